#include "ipc/codec/common_codec.h"

#include <variant>

namespace tally::ipc {

void write_error(schema::Error::Builder to, const Error& error) {
  to.setErrc(static_cast<std::uint16_t>(error.errc()));
  to.setCode(to_text(error.code()));
  to.setMessage(to_text(error.message()));
  const auto& fields = error.fields();
  if (fields.empty()) return;
  auto list = to.initFields(static_cast<unsigned>(fields.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setName(to_text(fields[i].name));
    if (const auto* number = std::get_if<std::int64_t>(&fields[i].value))
      list[i].setNumber(*number);
    else
      list[i].setText(to_text(std::get<std::string>(fields[i].value)));
  }
}

Error read_error(schema::Error::Reader from) {
  std::uint16_t errc = from.getErrc();
  // A class from a newer peer is shown as its message, with our widest class.
  if (errc < 1 || errc > kLastErrc) errc = static_cast<std::uint16_t>(Errc::Internal);
  Error error(static_cast<Errc>(errc), from_text(from.getCode()),
              from_text(from.getMessage()));
  for (const auto field : from.getFields()) {
    const std::string name = from_text(field.getName());
    if (field.isNumber())
      error = std::move(error).with(name, field.getNumber());
    else
      error = std::move(error).with(name, from_text(field.getText()));
  }
  return error;
}

void write_counts(schema::ElementCounts::Builder to,
                  const model::ElementCounts& counts) {
  to.setSeen(counts.seen);
  to.setKept(counts.kept);
  to.setMissing(counts.missing);
  to.setFiltered(counts.filtered);
}

model::ElementCounts read_counts(schema::ElementCounts::Reader from) {
  return {from.getSeen(), from.getKept(), from.getMissing(), from.getFiltered()};
}

}  // namespace tally::ipc

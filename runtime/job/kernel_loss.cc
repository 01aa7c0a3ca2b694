#include "runtime/job/kernel_loss.h"

#include <algorithm>
#include <utility>

#include "ipc/base/printable.h"
#include "runtime/kernel/call_names.h"

namespace tally::job {
namespace {

constexpr std::size_t kShownOutput = 300;  // bytes in the message; all is in the field

std::string where(const exec::KernelPlace& place, const KernelNames& names) {
  std::string text = std::string("in ") + std::string(kernels::name_of(place.call));
  if (place.call != exec::KernelCall::Update || place.rows == 0) return text;
  if (place.rows == 1)
    text += ", with row " + std::to_string(place.first_row);
  else
    text += ", with rows " + std::to_string(place.first_row) + " to " +
            std::to_string(place.first_row + place.rows - 1);
  if (!names.file.empty()) text += " of " + names.file;
  return text;
}

std::string last_line(std::string_view output) {
  while (!output.empty() && output.back() == '\n') output.remove_suffix(1);
  return printable(output.substr(output.find_last_of('\n') + 1), kShownOutput);
}

}  // namespace

Error kernel_lost(const Error& cause, const exec::KernelPlace& place,
                  const KernelNames& names) {
  const bool stalled = cause.code() == "kernel_stalled";
  const bool denied = cause.code() == "worker_denied_call";
  const std::string who = names.kernel.empty()
                              ? "the kernels of " + names.image
                              : "kernel '" + names.kernel + "' (" + names.image + ")";
  std::string message = who +
                        (stalled  ? " went on for too long "
                         : denied ? " did what no kernel may "
                                  : " crashed ") +
                        where(place, names) + ": " + cause.message();
  if (const std::string line = last_line(place.output); !line.empty())
    message += "; it had written: " + line;
  Error error(Errc::WorkerLost, stalled || denied ? cause.code() : "kernel_crashed",
              std::move(message));
  for (const Error::Field& field : cause.fields()) {
    if (const auto* number = std::get_if<std::int64_t>(&field.value))
      error = std::move(error).with(field.name, *number);
    else
      error = std::move(error).with(field.name, std::get<std::string>(field.value));
  }
  if (!names.kernel.empty()) error = std::move(error).with("kernel", names.kernel);
  error = std::move(error)
              .with("image", names.image)
              .with("call", std::string(kernels::name_of(place.call)));
  if (place.call == exec::KernelCall::Update) {
    if (!names.file.empty()) error = std::move(error).with("file", names.file);
    error = std::move(error)
                .with("first_row", static_cast<std::int64_t>(place.first_row))
                .with("rows", static_cast<std::int64_t>(place.rows));
  }
  if (!place.output.empty()) error = std::move(error).with("output", place.output);
  return error;
}

}  // namespace tally::job

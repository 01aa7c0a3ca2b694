// Codec of what every message shares: Error, JobId, counts, 128-bit integers.
//
// Codecs map schema to model and back: total functions, no policy. Writers fill a
// builder; readers return a value or, where a peer can be wrong, a Result. They may
// throw kj exceptions on malformed messages: call them inside read_message().
#pragma once

#include <capnp/list.h>

#include <string>
#include <string_view>

#include "ipc/base/error.h"
#include "ipc/base/int128.h"
#include "ipc/base/result.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/job_id.h"
#include "ipc/schema/common.capnp.h"

namespace tally::ipc {

inline capnp::Text::Reader to_text(const std::string& text) {
  return capnp::Text::Reader(text.c_str(), text.size());
}
inline std::string from_text(capnp::Text::Reader text) {
  return std::string(text.begin(), text.size());
}

void write_error(schema::Error::Builder to, const Error& error);
Error read_error(schema::Error::Reader from);

inline void write_job_id(schema::JobId::Builder to, model::JobId id) {
  to.setTag(id.tag);
  to.setNumber(id.number);
}
inline model::JobId read_job_id(schema::JobId::Reader from) {
  return {from.getTag(), from.getNumber()};
}

inline void write_int128(schema::Int128::Builder to, Int128 value) {
  to.setLow(static_cast<std::uint64_t>(value));
  to.setHigh(static_cast<std::int64_t>(value >> 64));
}
inline Int128 read_int128(schema::Int128::Reader from) {
  const auto high = static_cast<UInt128>(static_cast<std::uint64_t>(from.getHigh()));
  return static_cast<Int128>(high << 64 | from.getLow());
}

void write_counts(schema::ElementCounts::Builder to,
                  const model::ElementCounts& counts);
model::ElementCounts read_counts(schema::ElementCounts::Reader from);

// A wire number as an enumerator in [first, last]. Errors: InvalidArgument "bad_enum".
template <typename Enum>
Result<Enum> read_enum(std::uint32_t number, Enum first, Enum last,
                       std::string_view what) {
  if (number < static_cast<std::uint32_t>(first) ||
      number > static_cast<std::uint32_t>(last))
    return Error(Errc::InvalidArgument, "bad_enum",
                 std::string(what) + " has no number " + std::to_string(number));
  return static_cast<Enum>(number);
}

}  // namespace tally::ipc

// JsonWriter: writes one JSON value, left to right, into a string.
//
// Fields come out in the order they are written. Strings are escaped; bytes that are
// no UTF-8 become U+FFFD, so that the output is JSON whatever a file name holds.
// The caller keeps begin and end in step; nothing here can fail. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tally::client {

// The shortest form that reads back as the same number, always with a point or an
// exponent; "NaN", "Infinity", "-Infinity".
std::string real_text(double value);
std::string real_text(float value);

class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);

  JsonWriter& string(std::string_view text);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& counter(std::uint64_t value);
  JsonWriter& counter_or_null(const std::optional<std::uint64_t>& value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();

  // real_text(); what is not finite as a string, for JSON has no such numbers.
  JsonWriter& real(double value);
  JsonWriter& real(float value);

  // `text` must be a JSON value already.
  JsonWriter& verbatim(std::string_view text);

  // key() and a value in one: the common case.
  JsonWriter& field(std::string_view name, std::string_view text) {
    return key(name).string(text);
  }
  JsonWriter& field(std::string_view name, std::uint64_t value) {
    return key(name).counter(value);
  }

  const std::string& text() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void separate();

  std::string out_;
  bool needs_comma_ = false;
};

}  // namespace tally::client

#include "client/json_writer.h"

#include <charconv>
#include <cmath>
#include <cstddef>

#include "ipc/base/float_environment.h"
#include "ipc/base/utf8.h"

namespace tally::client {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

void append_escape(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

// Also what JSON leaves be and terminals obey: U+007F to U+009F, of which the second
// byte of UTF-8 is the code point.
bool must_be_escaped(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  if (character.size() == 2)
    return lead == 0xC2 && static_cast<unsigned char>(character.back()) < 0xA0;
  return lead < 0x20 || lead == 0x7F || lead == '"' || lead == '\\';
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_bytes(text, at);
    const std::string_view character = text.substr(at, length);
    if (length == 0) {
      out += kReplacement;
    } else if (must_be_escaped(character)) {
      append_escape(out, character.back());
    } else {
      out += character;
    }
    at += length == 0 ? 1 : length;
  }
  out += '"';
}

template <typename Number>
void append_number(std::string& out, Number value) {
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end.ptr);
}

struct Spelled {
  std::string text;
  bool finite = false;
};

// Not inlined: nothing of it may happen before the environment is set.
template <typename Real>
[[gnu::noinline]] Spelled spell(Real value) {
  if (std::isnan(value)) return {"NaN", false};
  if (std::isinf(value)) return {value < 0 ? "-Infinity" : "Infinity", false};
  Spelled spelled{{}, true};
  append_number(spelled.text, value);
  // 1.0, not 1: readers would take it for an integer.
  if (spelled.text.find_first_of(".e") == std::string::npos) spelled.text += ".0";
  return spelled;
}

// The program may have subnormals taken for zeros, or traps set.
template <typename Real>
Spelled spelled_anywhere(Real value) {
  const FloatEnvironment exact;
  return spell(value);
}

}  // namespace

std::string real_text(double value) {
  return spelled_anywhere(value).text;
}
std::string real_text(float value) {
  return spelled_anywhere(value).text;
}

void JsonWriter::separate() {
  if (needs_comma_) out_ += ", ";
  needs_comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_ += '{';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  out_ += '}';
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_ += '[';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  out_ += ']';
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_string(out_, name);
  out_ += ": ";
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  separate();
  append_string(out_, text);
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  separate();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::counter(std::uint64_t value) {
  separate();
  append_number(out_, value);
  return *this;
}

JsonWriter& JsonWriter::counter_or_null(const std::optional<std::uint64_t>& value) {
  return value ? counter(*value) : null();
}

JsonWriter& JsonWriter::boolean(bool value) {
  return verbatim(value ? "true" : "false");
}

JsonWriter& JsonWriter::null() {
  return verbatim("null");
}

JsonWriter& JsonWriter::verbatim(std::string_view text) {
  separate();
  out_ += text;
  return *this;
}

JsonWriter& JsonWriter::real(double value) {
  const Spelled spelled = spelled_anywhere(value);
  return spelled.finite ? verbatim(spelled.text) : string(spelled.text);
}

JsonWriter& JsonWriter::real(float value) {
  const Spelled spelled = spelled_anywhere(value);
  return spelled.finite ? verbatim(spelled.text) : string(spelled.text);
}

}  // namespace tally::client

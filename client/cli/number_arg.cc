#include "client/cli/number_arg.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>

#include "ipc/base/int128.h"

namespace tally::cli {
namespace {

constexpr UInt128 kLargest = ~UInt128{0};

Error bad_number(std::string message) {
  return Error(Errc::InvalidArgument, "bad_number", std::move(message));
}

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

// Reads the parts of a literal, front to back.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  bool take(char c) {
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Digits with single underscores between them; empty if there are none or if an
  // underscore is not between two digits.
  std::string digits() {
    std::string result;
    while (!rest_.empty()) {
      const bool digit = is_digit(rest_[0]);
      const bool between = rest_[0] == '_' && !result.empty() &&
                           !last_was_underscore_ && rest_.size() > 1 &&
                           is_digit(rest_[1]);
      if (!digit && !between) break;
      if (digit) result += rest_[0];
      last_was_underscore_ = !digit;
      rest_.remove_prefix(1);
    }
    return result;
  }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view rest_;
  bool last_was_underscore_ = false;
};

// A decimal literal: sign, digits without underscores, and a power of ten.
struct Literal {
  bool negative = false;
  std::string digits;
  std::int64_t exponent = 0;  // of the last digit
  bool plain = true;          // neither fraction nor exponent was written
};

std::optional<Literal> parse_literal(std::string_view text) {
  Cursor cursor(text);
  Literal literal;
  literal.negative = cursor.take('-');
  if (!literal.negative) (void)cursor.take('+');
  literal.digits = cursor.digits();
  if (cursor.take('.')) {
    const std::string fraction = cursor.digits();
    literal.digits += fraction;
    literal.exponent = -static_cast<std::int64_t>(fraction.size());
    literal.plain = false;
  }
  if (literal.digits.empty()) return std::nullopt;
  if (cursor.take('e') || cursor.take('E')) {
    const bool down = cursor.take('-');
    if (!down) (void)cursor.take('+');
    const std::string power = cursor.digits();
    // No more than six digits: beyond any number that we hold.
    if (power.empty() || power.size() > 6) return std::nullopt;
    const std::int64_t value = std::strtol(power.c_str(), nullptr, 10);
    literal.exponent += down ? -value : value;
    literal.plain = false;
  }
  return cursor.done() ? std::optional(std::move(literal)) : std::nullopt;
}

struct Integer {
  bool negative = false;
  UInt128 magnitude = 0;
};

// None if the literal is not integral or over 128 bits.
std::optional<Integer> to_integer(const Literal& literal) {
  std::string digits = literal.digits;
  std::int64_t exponent = literal.exponent;
  while (exponent < 0 && !digits.empty()) {
    if (digits.back() != '0') return std::nullopt;
    digits.pop_back();
    ++exponent;
  }
  Integer result{literal.negative, 0};
  for (const char digit : digits) {
    const auto value = static_cast<unsigned>(digit - '0');
    if (result.magnitude > (kLargest - value) / 10) return std::nullopt;
    result.magnitude = result.magnitude * 10 + value;
  }
  if (result.magnitude == 0) return result;
  for (; exponent > 0; --exponent) {
    if (result.magnitude > kLargest / 10) return std::nullopt;
    result.magnitude *= 10;
  }
  return result;
}

template <typename T>
std::optional<T> fit(const Integer& integer) {
  const auto largest = static_cast<UInt128>(std::numeric_limits<T>::max());
  if (!integer.negative) {
    if (integer.magnitude > largest) return std::nullopt;
    return static_cast<T>(integer.magnitude);
  }
  if constexpr (std::is_signed_v<T>) {
    if (integer.magnitude > largest + 1) return std::nullopt;
    return static_cast<T>(-static_cast<Int128>(integer.magnitude));
  }
  return integer.magnitude == 0 ? std::optional<T>(T{0}) : std::nullopt;
}

template <typename T>
Result<T> parse_integer(std::string_view text, std::string_view what) {
  const std::string subject = std::string(what) + " " + quoted(text);
  const std::optional<Literal> literal = parse_literal(text);
  if (!literal)
    return bad_number(subject +
                      " is not a number; write 500000000, 500_000_000 or 5e8");
  const std::optional<Integer> integer = to_integer(*literal);
  const std::optional<T> value = integer ? fit<T>(*integer) : std::nullopt;
  if (!value)
    return bad_number(subject + " is not an integer from " +
                      std::to_string(std::numeric_limits<T>::min()) + " to " +
                      std::to_string(std::numeric_limits<T>::max()));
  return *value;
}

// Without underscores, and without the '+' that from_chars refuses.
std::string plain_text(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c != '_') result += c;
  if (!result.empty() && result[0] == '+') result.erase(0, 1);
  return result;
}

// What neither overflows nor is text is rounded correctly, whatever the locale.
template <typename T>
std::optional<T> nearest_float(const std::string& text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, value);
  if (status == std::errc() && stop == end) return value;
  if (status != std::errc::result_out_of_range || stop != end) return std::nullopt;
  // from_chars refuses underflow too; strtod rounds it to a subnormal or 0. The
  // program never leaves the "C" locale.
  if constexpr (std::is_same_v<T, float>) {
    value = std::strtof(text.c_str(), nullptr);
  } else {
    value = std::strtod(text.c_str(), nullptr);
  }
  return std::isinf(value) ? std::nullopt : std::optional<T>(value);
}

template <typename T>
bool holds_exactly(const Integer& integer, T value) {
  // Below 2^127 the way back to an integer loses nothing.
  const T magnitude = std::fabs(value);
  if (magnitude >= std::ldexp(T{1}, 127)) return false;
  return static_cast<UInt128>(magnitude) == integer.magnitude;
}

template <typename T>
Result<T> parse_float(std::string_view text) {
  constexpr bool single = std::is_same_v<T, float>;
  const std::optional<Literal> literal = parse_literal(text);
  const std::string plain = plain_text(text);
  const bool special = !literal &&
                       text.find_first_of("_()") == std::string_view::npos &&
                       text.find_first_of("0123456789") == std::string_view::npos;
  if (!literal && !special)
    return bad_number("--values " + quoted(text) + " is not a number");
  const std::optional<T> value = nearest_float<T>(plain);
  if (!value)
    return bad_number("--values " + quoted(text) +
                      (special ? " is not a number" : " is too large for ") +
                      (special  ? ""
                       : single ? "f32"
                                : "f64"));
  if (literal && literal->plain) {
    const std::optional<Integer> integer = to_integer(*literal);
    if (!integer || !holds_exactly(*integer, *value))
      return bad_number("--values " + quoted(text) + " is not exact as " +
                        (single ? "f32; choose --dtype f64, i64 or u64"
                                : "f64; choose --dtype i64 or u64"));
  }
  return *value;
}

template <typename T>
Result<T> parse_element(std::string_view text) {
  if constexpr (std::is_floating_point_v<T>) {
    return parse_float<T>(text);
  } else {
    return parse_integer<T>(text, "--values");
  }
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

template <typename T>
void append(std::vector<std::byte>& bytes, T value) {
  std::array<std::byte, sizeof(T)> raw{};
  std::memcpy(raw.data(), &value, sizeof value);
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

}  // namespace

Result<std::int64_t> parse_i64(std::string_view text, std::string_view what) {
  return parse_integer<std::int64_t>(text, what);
}

Result<std::uint64_t> parse_count(std::string_view text, std::string_view what,
                                  std::uint64_t most) {
  const std::optional<Literal> literal = parse_literal(text);
  const std::optional<Integer> integer = literal ? to_integer(*literal) : std::nullopt;
  const auto count = integer ? fit<std::uint64_t>(*integer) : std::nullopt;
  if (count && *count >= 1 && *count <= most) return *count;
  return bad_number(std::string(what) + " " + quoted(text) +
                    " is not an integer from 1 to " + std::to_string(most));
}

Result<model::RangeSource> parse_range(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t from = 0;;) {
    const std::size_t colon = text.find(':', from);
    parts.push_back(text.substr(from, colon - from));
    if (colon == std::string_view::npos) break;
    from = colon + 1;
  }
  if (parts.size() != 2 && parts.size() != 3)
    return bad_number("--range " + quoted(text) +
                      " is not a range; write START:STOP or START:STOP:STEP");
  constexpr std::array<std::string_view, 3> kNames{"--range: START", "--range: STOP",
                                                   "--range: STEP"};
  std::array<std::int64_t, 3> numbers{0, 0, 1};
  for (std::size_t at = 0; at < parts.size(); ++at) {
    const Result<std::int64_t> number = parse_i64(parts[at], kNames[at]);
    if (!number) return number.error();
    numbers[at] = *number;
  }
  if (numbers[2] == 0)
    return bad_number("--range " + quoted(text) +
                      ": STEP is 0; it may be positive or negative");
  return model::RangeSource{numbers[0], numbers[1], numbers[2]};
}

Result<std::vector<std::byte>> parse_values(std::string_view text,
                                            model::ElementType type) {
  std::vector<std::byte> bytes;
  if (trimmed(text).empty()) return bytes;
  return model::with_type(type, [&](auto zero) -> Result<std::vector<std::byte>> {
    using T = decltype(zero);
    for (std::size_t from = 0;;) {
      const std::size_t comma = text.find(',', from);
      const Result<T> value =
          parse_element<T>(trimmed(text.substr(from, comma - from)));
      if (!value) return value.error();
      append(bytes, *value);
      if (comma == std::string_view::npos) return std::move(bytes);
      from = comma + 1;
    }
  });
}

}  // namespace tally::cli

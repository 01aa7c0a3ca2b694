// Numbers as text: the fast way to read one gives what the careful one gives, or
// nothing; and the careful one gives what the C library gives, for words both
// understand.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>

#include "ipc/base/check.h"
#include "runtime/source/number_text.h"
#include "runtime/source/plain_number.h"
#include "tests/fuzz/input.h"

namespace {

using tally::source::NumberStatus;

// As the C library reads it; `whole`: all of it was read. Out of range: errno is
// ERANGE.
template <typename T>
T by_c_library(const std::string& word, bool& whole) {
  char* end = nullptr;
  errno = 0;
  T value{};
  if constexpr (std::is_same_v<T, float>) {
    value = std::strtof(word.c_str(), &end);
  } else if constexpr (std::is_same_v<T, double>) {
    value = std::strtod(word.c_str(), &end);
  } else if constexpr (std::is_signed_v<T>) {
    const long long wide = std::strtoll(word.c_str(), &end, 10);
    value = static_cast<T>(wide);
    if (value != wide) errno = ERANGE;
  } else {
    const unsigned long long wide = std::strtoull(word.c_str(), &end, 10);
    value = static_cast<T>(wide);
    if (value != wide) errno = ERANGE;
  }
  whole = end == word.c_str() + word.size();
  return value;
}

template <typename T>
void check(std::string_view word) {
  T careful{};
  const NumberStatus status = tally::source::parse_number(word, careful);

  T plain{};
  const char* const end = word.data() + word.size();
  if (tally::source::plain_number(word.data(), end, plain) == end) {
    TALLY_CHECK(status == NumberStatus::Ok);
    TALLY_CHECK(std::memcmp(&plain, &careful, sizeof(T)) == 0);
  }

  if (word.find_first_not_of("0123456789.eE+-") != word.npos) return;
  if (std::is_unsigned_v<T> && word.front() == '-') return;  // there it wraps
  bool whole = false;
  const T known = by_c_library<T>(std::string(word), whole);
  TALLY_CHECK((status == NumberStatus::NotANumber) == !whole);
  if (status == NumberStatus::Ok)
    TALLY_CHECK(std::memcmp(&known, &careful, sizeof(T)) == 0);
  if (std::is_integral_v<T> && whole)
    TALLY_CHECK((status == NumberStatus::Overflow) == (errno == ERANGE));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view word = tally::fuzz::Input(data, size).text();
  if (word.empty()) return 0;
  check<double>(word);
  check<float>(word);
  check<std::int8_t>(word);
  check<std::int16_t>(word);
  check<std::int32_t>(word);
  check<std::int64_t>(word);
  check<std::uint8_t>(word);
  check<std::uint16_t>(word);
  check<std::uint32_t>(word);
  check<std::uint64_t>(word);
  return 0;
}

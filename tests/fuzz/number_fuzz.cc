// The fast way to read a number gives what the careful one gives, or nothing.
#include <cstring>

#include "ipc/base/check.h"
#include "runtime/source/number_text.h"
#include "runtime/source/plain_number.h"
#include "tests/fuzz/input.h"

namespace {

template <typename T>
void check(std::string_view word) {
  T plain{};
  const char* const end = word.data() + word.size();
  if (tally::source::plain_number(word.data(), end, plain) != end) return;
  T careful{};
  TALLY_CHECK(tally::source::parse_number(word, careful) ==
              tally::source::NumberStatus::Ok);
  TALLY_CHECK(std::memcmp(&plain, &careful, sizeof(T)) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view word = tally::fuzz::Input(data, size).text();
  if (word.empty()) return 0;
  check<double>(word);
  check<std::int8_t>(word);
  check<std::int64_t>(word);
  check<std::uint64_t>(word);
  float narrow{};
  (void)tally::source::parse_number(word, narrow);  // total
  return 0;
}

// A configuration comes whole or not at all, and each problem has a place in the text.
#include "config/load.h"
#include "ipc/base/check.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = tally::fuzz::Input(data, size).text();
  const tally::config::Loaded loaded = tally::config::load_text(text, "fuzz.toml");
  const auto lines = 1 + std::count(text.begin(), text.end(), '\n');
  for (const tally::config::Problem& problem : loaded.problems) {
    TALLY_CHECK(!problem.message.empty());
    TALLY_CHECK(problem.line >= 0 && problem.line <= lines);
    TALLY_CHECK((problem.line == 0) == (problem.column == 0));
  }
  if (!loaded.problems.empty()) TALLY_CHECK(loaded.config == tally::config::Config{});
  return 0;
}

#include "runtime/exec/process/sandbox_environment.h"

#include <algorithm>
#include <array>

namespace tally::exec {
namespace {

using namespace std::string_view_literals;

constexpr std::array kNames{"LANG="sv,  "LC_"sv,         "TZ="sv,
                            "TALLY_"sv, "LD_PRELOAD="sv, "LD_LIBRARY_PATH="sv};
constexpr std::array kOfSanitizers{"ASAN_"sv, "LSAN_"sv, "TSAN_"sv, "UBSAN_"sv};

bool starts_with_one_of(std::string_view variable,
                        std::span<const std::string_view> beginnings) {
  return std::ranges::any_of(
      beginnings, [&](std::string_view begin) { return variable.starts_with(begin); });
}

}  // namespace

bool is_for_workers(std::string_view variable) {
#ifdef TALLY_SANITIZED
  if (starts_with_one_of(variable, kOfSanitizers)) return true;
#else
  (void)kOfSanitizers;
#endif
  return starts_with_one_of(variable, kNames);
}

std::vector<std::string> worker_environment(std::span<const std::string> all) {
  std::vector<std::string> kept;
  std::ranges::copy_if(all, std::back_inserter(kept), is_for_workers);
  return kept;
}

}  // namespace tally::exec

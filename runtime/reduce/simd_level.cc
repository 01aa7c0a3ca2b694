#include "runtime/reduce/simd_level.h"

#include <hwy/targets.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

namespace tally::reduce {
namespace {

// A better target is a lower bit.
constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> kLevels{{
    {"avx512", HWY_AVX3_DL},
    {"avx2", HWY_AVX2},
    {"sse4", HWY_SSE4},
    {"scalar", HWY_EMU128},
}};

}  // namespace

Result<void> limit_simd(std::string_view level) {
  if (level.empty()) return {};
  for (const auto& [name, target] : kLevels) {
    if (name != level) continue;
    hwy::DisableTargets(target - 1);
    return {};
  }
  return Error(Errc::InvalidArgument, "bad_simd_level",
               "TALLY_SIMD is '" + std::string(level) +
                   "'; it may be avx512, avx2, sse4 or scalar");
}

Result<void> limit_simd_by_environment() {
  const char* const level = std::getenv(kSimdVariable);
  return limit_simd(level == nullptr ? "" : level);
}

}  // namespace tally::reduce

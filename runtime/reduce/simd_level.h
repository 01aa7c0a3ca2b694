// Which instruction sets the kernels may use: all that the processor has, unless the
// environment's TALLY_SIMD bounds them. Results are the same with each.
//
// For tests and benchmarks, of programs of ours: a host's environment is not looked at,
// and workers of a core in a host are not given it.
#pragma once

#include <string_view>

#include "ipc/base/result.h"

namespace tally::reduce {

inline constexpr const char* kSimdVariable = "TALLY_SIMD";

// `level`: "avx512", "avx2", "sse4" or "scalar"; empty: what was bound before. Of the
// whole process, from the next kernel that is called; none may be running. Errors:
// InvalidArgument "bad_simd_level".
Result<void> limit_simd(std::string_view level);

// The same of the environment's TALLY_SIMD.
Result<void> limit_simd_by_environment();

}  // namespace tally::reduce

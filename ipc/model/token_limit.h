// TokenLimit: a share of something outside tally that a job's chunks take turns at.
//
// Tokens have a name and nothing else; whoever names one means the same thing by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ipc/base/result.h"

namespace tally::model {

// A chunk of the job is given out only while fewer than `count` chunks, of all jobs
// that name this token, are in hand.
struct TokenLimit {
  std::string name;  // 1 to 64 of A-Z a-z 0-9 _ . -
  std::uint32_t count = 1;
  friend bool operator==(const TokenLimit&, const TokenLimit&) = default;
};

inline constexpr std::size_t kMostLimits = 8;  // of a job
inline constexpr std::size_t kMostLimitNameBytes = 64;

// Errors: InvalidArgument "bad_limit": a name or count out of bounds, a name that
// stands twice, too many.
Result<void> check_limits(const std::vector<TokenLimit>& limits);

}  // namespace tally::model

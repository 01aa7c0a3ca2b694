// The table of keys: which key sets which member, and what it accepts.
//
// The one list behind loading, suggestions and the test of tallyd.toml. A new key is
// a member in config.h, a row in fields.cc and an entry in tallyd.toml.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"

namespace tally::config {

// What a key's value must be, and where it goes. A target points into the Config that
// fields_of was given, which must outlive it.
struct CountTarget {
  std::uint32_t* value;
  std::uint32_t least;
  std::uint32_t most;
};
struct DurationTarget {
  std::chrono::nanoseconds* value;
  std::chrono::nanoseconds least;
  std::chrono::nanoseconds most;
};
struct ModeTarget {
  std::uint32_t* value;
};
struct PathTarget {
  std::string* value;
  std::size_t most_bytes;
};
struct LevelTarget {
  LogLevel* value;
};
struct LogTargetTarget {
  LogTarget* value;
};

using Target = std::variant<CountTarget, DurationTarget, ModeTarget, PathTarget,
                            LevelTarget, LogTargetTarget>;

struct Field {
  std::string_view table;
  std::string_view name;
  Target target;
};

// In the order of the enumerators.
inline constexpr std::array<std::string_view, 5> kLogLevelNames{
    "trace", "debug", "info", "warn", "error"};
inline constexpr std::array<std::string_view, 3> kLogTargetNames{"auto", "stderr",
                                                                 "journal"};

inline constexpr std::uint32_t kLeastSocketMode = 0600;
inline constexpr std::uint32_t kMostSocketMode = 0777;

// In the order of config.h. `config` must outlive what is returned.
std::vector<Field> fields_of(Config& config);

// Writes the value if it is acceptable; else leaves the target alone and returns
// false. A key takes an integer or a string, never both.
bool assign(const Target& target, std::int64_t value);
bool assign(const Target& target, std::string_view value);

// "an integer from 0 to 1024": completes "expected ...".
std::string accepted_by(const Target& target);

}  // namespace tally::config

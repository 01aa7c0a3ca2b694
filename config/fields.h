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

#include "config/accounts.h"
#include "config/config.h"
#include "ipc/base/result.h"

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
struct FromClientsTarget {
  FromClients* value;
};
struct SandboxUseTarget {
  SandboxUse* value;
};
struct BytesTarget {
  std::uint64_t* value;
};
// An array of absolute paths, or of kernels' names; append_to takes its elements.
struct StringsTarget {
  std::vector<std::string>* value;
  bool paths;
};
// An array; append_to takes its elements.
struct AccountsTarget {
  std::vector<std::uint32_t>* value;
  AccountKind kind;
};

using Target =
    std::variant<CountTarget, DurationTarget, ModeTarget, PathTarget, LevelTarget,
                 LogTargetTarget, AccountsTarget, FromClientsTarget, SandboxUseTarget,
                 BytesTarget, StringsTarget>;

// What a change of the key needs to take effect.
enum class Change : std::uint8_t { Reload, Restart };

struct Field {
  std::string_view table;
  std::string_view name;
  Target target;
  Change change;
};

inline constexpr std::size_t kMostAccounts = 4096;
inline constexpr std::size_t kMostStrings = 256;

// In the order of the enumerators.
inline constexpr std::array<std::string_view, 5> kLogLevelNames{
    "trace", "debug", "info", "warn", "error"};
inline constexpr std::array<std::string_view, 3> kLogTargetNames{"auto", "stderr",
                                                                 "journal"};

inline constexpr std::array<std::string_view, 3> kFromClientsNames{"auto", "yes", "no"};
inline constexpr std::array<std::string_view, 3> kSandboxUseNames{"auto", "require",
                                                                  "off"};

inline constexpr std::uint32_t kLeastSocketMode = 0600;
inline constexpr std::uint32_t kMostSocketMode = 0777;

// In the order of config.h. `config` must outlive what is returned.
std::vector<Field> fields_of(Config& config);

// Writes the value if it is acceptable; else leaves the target alone and returns
// false. A key takes an integer or a string, never both.
bool assign(const Target& target, std::int64_t value);
bool assign(const Target& target, std::string_view value);

// Adds one element of an array: a name or a number. Errors: what is wrong with it.
Result<void> append_to(const AccountsTarget& target, std::int64_t id);
Result<void> append_to(const AccountsTarget& target, std::string_view name);
Result<void> append_to(const StringsTarget& target, std::string_view text);

// Both of the same key, of two Configs: whether the values are equal; the copying of
// one.
bool same_value(const Target& left, const Target& right);
void copy_value(const Target& from, const Target& to);

// "an integer from 0 to 1024": completes "expected ...".
std::string accepted_by(const Target& target);

}  // namespace tally::config

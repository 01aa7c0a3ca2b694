// Args: the command line, cut into a verb, its operands and its options.
//
// Options may stand anywhere, before and after the verb and its operands:
//   --name value, --name=value, --flag, -q; a lone "--" ends the options; a lone "-"
//   is an operand. The word after an option that takes a value is its value, even if
//   it starts with a dash (--values -1,2), unless it is an option itself.
//
// One hand-written table instead of CLI11, which was measured to turn a file named
// "[x]" into "x", to read 010 as octal, to refuse 5e8 and to suggest nothing for a
// typing error. Values stay text here; options know nothing of what they mean.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/result.h"

namespace tally::cli {

enum class Option : std::uint8_t {
  Range,
  Values,
  Column,
  Format,
  Dtype,
  Delimiter,
  Header,
  Missing,
  Nan,
  OnFailure,
  Hint,
  Path,
  Require,
  Workers,
  Chunk,
  Timeout,
  Priority,
  Limit,
  Kernel,
  Json,
  Quiet,
  Verbose,
  Trace,
  Watch,
  Count,
  Prometheus,
  Health,
  Embedded,
  Socket,
  Help,
  Version,
};
inline constexpr std::size_t kOptionCount = 31;

struct OptionInfo {
  Option option;
  std::string_view name;   // "--range"
  std::string_view value;  // what follows it, for help; empty: a flag; "[X]": may be
                           // left away, the next word is it only if it is a number
  std::string_view help;   // one line
  char letter = '\0';      // 'q' for -q; none: '\0'
  bool adds_up = false;    // may be repeated: a comma list in several parts
};

// In the order of Option, which is the order of the help.
std::span<const OptionInfo> all_options();
const OptionInfo& info_of(Option option);

class OptionSet {
 public:
  constexpr OptionSet() = default;
  constexpr OptionSet(std::initializer_list<Option> options) {
    for (const Option option : options) bits_ |= bit(option);
  }
  constexpr OptionSet(std::initializer_list<OptionSet> sets) {
    for (const OptionSet& set : sets) bits_ |= set.bits_;
  }
  constexpr bool has(Option option) const { return (bits_ & bit(option)) != 0; }
  constexpr OptionSet without(OptionSet other) const {
    OptionSet rest;
    rest.bits_ = bits_ & ~other.bits_;
    return rest;
  }

 private:
  static constexpr std::uint32_t bit(Option option) {
    return std::uint32_t{1} << static_cast<unsigned>(option);
  }
  std::uint32_t bits_ = 0;
};

class Args {
 public:
  std::string verb;  // the first operand; empty: there was none
  std::vector<std::string> operands;

  bool has(Option option) const { return slot(option).has_value(); }
  // The option's text, none if it was not given; empty text for a flag.
  std::optional<std::string_view> value(Option option) const { return slot(option); }
  // Errors: InvalidArgument "repeated_option". Flags may be repeated.
  Result<void> set(const OptionInfo& info, std::string value);

 private:
  const std::optional<std::string>& slot(Option option) const {
    return values_[static_cast<std::size_t>(option)];
  }
  std::array<std::optional<std::string>, kOptionCount> values_;
};

// `words` are the arguments after the program's name.
// Errors: InvalidArgument "unknown_option" (names the nearest), "missing_value",
// "unexpected_value", "repeated_option".
Result<Args> parse_args(std::span<const char* const> words);

// The word meant, for a word that is none of `choices`: `; did you mean X?` or empty.
std::string did_you_mean(std::string_view word,
                         std::span<const std::string_view> choices);

}  // namespace tally::cli

#include "client/cli/args.h"

#include <algorithm>

#include "ipc/base/nearest.h"

namespace tally::cli {
namespace {

using O = Option;

constexpr std::array<OptionInfo, kOptionCount> kOptions{{
    {O::Range, "--range", "START:STOP[:STEP]", "the integers from START up to STOP"},
    {O::Values, "--values", "1,2,3",
     "these values (f64 unless --dtype says otherwise)"},
    {O::Column, "--column", "NAME|N",
     "the column of reducers that name none; N from 1"},
    {O::Format, "--format", "npy|raw|csv|text",
     "of the files; by extension if not given"},
    {O::Dtype, "--dtype", "TYPE", "f64 f32 i8 i16 i32 i64 u8 u16 u32 u64"},
    {O::Delimiter, "--delimiter", "C",
     "between the fields of CSV: a character or 'tab'"},
    {O::Header, "--header", "yes|no", "whether CSV starts with column names (yes)"},
    {O::Missing, "--missing", "error|skip", "what an empty cell or NA does (error)"},
    {O::Nan, "--nan", "propagate|skip|error", "what a NaN does (propagate)"},
    {O::OnFailure, "--on-failure", "fail|partial",
     "where input kills all workers: no answer, or one without it (fail)"},
    {O::Hint, "--hint", "cpu|io|auto", "what the job will wait for (auto)"},
    {O::Path, "--path", "thread|process", "where to run, whatever the hint"},
    {O::Require, "--require", "isolated", "worker processes or nothing"},
    {O::Workers, "--workers", "N", "at most so many; all if not given"},
    {O::Chunk, "--chunk", "N", "elements of a chunk (bytes for CSV and text)"},
    {O::Timeout, "--timeout", "30s", "give up after this time (ms, s, min, h)"},
    {O::Priority, "--priority", "N",
     "above 0: before your other jobs; below: after them (0)"},
    {O::Limit, "--limit", "NAME=N",
     "at most N chunks at once that name it, of all jobs", '\0', true},
    {O::Kernel, "--kernel", "FILE.so", "a reducer of your own; see 'tally kernel'",
     '\0', true},
    {O::Json, "--json", "", "print one JSON object"},
    {O::Quiet, "--quiet", "", "print values only, one a line", 'q'},
    {O::Verbose, "--verbose", "", "say on stderr where time and memory went", 'v'},
    {O::Trace, "--trace", "FILE", "write the job's chunks by worker, for Perfetto"},
    {O::Watch, "--watch", "[SECONDS]",
     "show it again and again (every 2 s); Ctrl-C ends"},
    {O::Count, "--count", "N", "with --watch: so many times"},
    {O::Prometheus, "--prometheus", "", "print metrics, for node_exporter's textfiles"},
    {O::Health, "--health", "", "a line a path; exit code 1 unless all work"},
    {O::Embedded, "--embedded", "", "run in this process, without a daemon"},
    {O::Socket, "--socket", "PATH",
     "the daemon's socket; else $TALLY_SOCKET, else usual"},
    {O::Help, "--help", "", "show this help", 'h'},
    {O::Version, "--version", "", "show the version"},
}};

Error invalid(std::string code, std::string message) {
  return Error(Errc::InvalidArgument, std::move(code), std::move(message));
}

const OptionInfo* find_option(std::string_view name) {
  const auto found = std::ranges::find_if(kOptions, [name](const OptionInfo& info) {
    const bool letter = name.size() == 2 && info.letter != '\0' && name[0] == '-' &&
                        name[1] == info.letter;
    return info.name == name || letter;
  });
  return found == kOptions.end() ? nullptr : &*found;
}

// "--range" of "--range=0:5".
std::string_view name_part(std::string_view word) {
  return word.substr(0, word.find('='));
}

Error unknown_option(std::string_view name) {
  std::vector<std::string_view> names;
  names.reserve(kOptions.size());
  for (const OptionInfo& info : kOptions) names.push_back(info.name);
  std::string message = "unknown option " + std::string(name);
  const std::string meant = did_you_mean(name, names);
  message += meant.empty() ? "; 'tally COMMAND --help' lists those there are" : meant;
  return invalid("unknown_option", std::move(message))
      .with("option", std::string(name));
}

Error missing_value(const OptionInfo& info) {
  return invalid("missing_value", std::string(info.name) +
                                      " needs a value: " + std::string(info.name) +
                                      " " + std::string(info.value));
}

bool is_number(std::string_view word) {
  return !word.empty() && word.front() >= '0' && word.front() <= '9';
}

// Takes the option at words[at], and its value; returns how many words that were.
Result<std::size_t> take_option(std::span<const char* const> words, std::size_t at,
                                Args& args) {
  const std::string_view word = words[at];
  const std::string_view name = name_part(word);
  const OptionInfo* info = find_option(name);
  if (info == nullptr) return unknown_option(name);

  const bool joined = name.size() < word.size();
  std::string value;
  std::size_t taken = 1;
  if (info->value.empty()) {
    if (joined)
      return invalid("unexpected_value", std::string(name) + " takes no value");
  } else if (joined) {
    value = word.substr(name.size() + 1);
  } else if (info->value.front() == '[') {
    if (at + 1 < words.size() && is_number(words[at + 1])) {
      value = words[at + 1];
      taken = 2;
    }
  } else {
    if (at + 1 == words.size() || find_option(name_part(words[at + 1])) != nullptr)
      return missing_value(*info);
    value = words[at + 1];
    taken = 2;
  }
  const Result<void> set = args.set(*info, std::move(value));
  if (!set) return set.error();
  return taken;
}

}  // namespace

std::span<const OptionInfo> all_options() {
  return kOptions;
}

const OptionInfo& info_of(Option option) {
  return kOptions[static_cast<std::size_t>(option)];
}

Result<void> Args::set(const OptionInfo& info, std::string value) {
  std::optional<std::string>& slot = values_[static_cast<std::size_t>(info.option)];
  if (slot && info.adds_up)
    value = *slot + "," + value;
  else if (slot && !info.value.empty())
    return invalid("repeated_option", std::string(info.name) + " is given twice");
  slot = std::move(value);
  return {};
}

Result<Args> parse_args(std::span<const char* const> words) {
  Args args;
  bool options_ended = false;
  for (std::size_t at = 0; at < words.size();) {
    const std::string_view word = words[at];
    if (!options_ended && word == "--") {
      options_ended = true;
      ++at;
    } else if (!options_ended && word.size() > 1 && word[0] == '-') {
      const Result<std::size_t> taken = take_option(words, at, args);
      if (!taken) return taken.error();
      at += *taken;
    } else {
      args.operands.emplace_back(word);
      ++at;
    }
  }
  if (!args.operands.empty()) {
    args.verb = std::move(args.operands.front());
    args.operands.erase(args.operands.begin());
  }
  return args;
}

std::string did_you_mean(std::string_view word,
                         std::span<const std::string_view> choices) {
  const std::optional<std::string_view> meant = nearest(word, choices);
  if (!meant) return "";
  return "; did you mean " + std::string(*meant) + "?";
}

}  // namespace tally::cli

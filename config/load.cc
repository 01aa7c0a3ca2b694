#include "config/load.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "config/fields.h"
#include "ipc/base/guard.h"
#include "ipc/base/nearest.h"
#include "ipc/base/printable.h"
#include "ipc/base/unique_fd.h"

namespace tally::config {
namespace {

// Far more than any configuration, and a bound where someone names a device.
constexpr std::size_t kMostFileBytes = std::size_t{1} << 20;

Result<std::string> read_all(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Error::from_errno("cannot be opened");
  // Some parsers take a directory for an empty file; we say what it is.
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return Error::from_errno("cannot be examined");
  if (S_ISDIR(facts.st_mode))
    return Error(Errc::InvalidArgument, "is a directory; expected a TOML file");

  std::string text;
  std::array<char, 16'384> buffer{};
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno("cannot be read");
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > kMostFileBytes)
      return Error(Errc::InvalidArgument, "is larger than 1 MiB; expected a TOML file");
  }
}

std::string joined(const std::vector<std::string_view>& names) {
  std::string list;
  for (const std::string_view name : names) {
    if (!list.empty()) list += ", ";
    list += name;
  }
  return list;
}

// Fit for one line of a terminal, whatever the file holds.
std::string quoted(std::string_view text) {
  constexpr std::size_t kMostShown = 60;
  return '"' + printable(text, kMostShown) + '"';
}

std::string described(const toml::node& node) {
  if (const auto text = node.value_exact<std::string_view>()) return quoted(*text);
  if (const auto number = node.value_exact<std::int64_t>())
    return std::to_string(*number);
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  if (node.is_floating_point()) return "a floating-point number";
  if (node.is_array()) return "an array";
  if (node.is_table()) return "a table";
  return "a date or time";
}

// Walks one document; collects what is wrong with it.
class Reader {
 public:
  // `config` must outlive the Reader.
  Reader(Config& config, const std::string& name)
      : fields_(fields_of(config)), name_(name) {}

  std::vector<Problem> read(const toml::table& root) {
    for (const auto& [key, node] : root) read_table(key, node);
    // A table iterates by name; people read from top to bottom.
    std::ranges::stable_sort(problems_, [](const Problem& a, const Problem& b) {
      return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    });
    return std::move(problems_);
  }

 private:
  void read_table(const toml::key& key, const toml::node& node) {
    const std::string_view table = key.str();
    if (!std::ranges::count(fields_, table, &Field::table)) {
      report(key.source(), unknown_table(table, node));
      return;
    }
    if (!node.is_table()) {
      report(node.source(),
             std::string(table) + ": expected a table, found " + described(node));
      return;
    }
    for (const auto& [name, value] : *node.as_table()) read_key(table, name, value);
  }

  void read_key(std::string_view table, const toml::key& key, const toml::node& node) {
    const auto field = std::ranges::find_if(fields_, [&](const Field& candidate) {
      return candidate.table == table && candidate.name == key.str();
    });
    if (field == fields_.end()) {
      report(key.source(), unknown_key(table, key.str()));
      return;
    }
    const auto* accounts = std::get_if<AccountsTarget>(&field->target);
    if (accounts != nullptr && node.is_array()) {
      read_accounts(*field, *accounts, *node.as_array());
      return;
    }
    const auto* strings = std::get_if<StringsTarget>(&field->target);
    if (strings != nullptr && node.is_array()) {
      read_strings(*field, *strings, *node.as_array());
      return;
    }
    bool accepted = false;
    if (const auto number = node.value_exact<std::int64_t>())
      accepted = assign(field->target, *number);
    else if (const auto text = node.value_exact<std::string_view>())
      accepted = assign(field->target, *text);
    if (accepted) return;
    report(node.source(), std::string(table) + "." + std::string(field->name) +
                              ": expected " + accepted_by(field->target) + ", found " +
                              described(node));
  }

  void read_accounts(const Field& field, const AccountsTarget& target,
                     const toml::array& elements) {
    for (const toml::node& element : elements) {
      Result<void> taken = Error(Errc::InvalidArgument,
                                 "expected a name or a number, "
                                 "found " +
                                     described(element));
      if (const auto id = element.value_exact<std::int64_t>())
        taken = append_to(target, *id);
      else if (const auto name = element.value_exact<std::string_view>())
        taken = append_to(target, *name);
      if (!taken)
        report(element.source(), std::string(field.table) + "." +
                                     std::string(field.name) + ": " +
                                     taken.error().message());
    }
  }

  void read_strings(const Field& field, const StringsTarget& target,
                    const toml::array& elements) {
    for (const toml::node& element : elements) {
      Result<void> taken = Error(Errc::InvalidArgument,
                                 "expected a string, found " + described(element));
      if (const auto text = element.value_exact<std::string_view>())
        taken = append_to(target, *text);
      if (!taken)
        report(element.source(), std::string(field.table) + "." +
                                     std::string(field.name) + ": " +
                                     taken.error().message());
    }
  }

  std::string unknown_table(std::string_view given, const toml::node& node) const {
    if (!node.is_table()) {
      // Most often a known key above the first [table] line.
      for (const Field& field : fields_)
        if (field.name == given)
          return "the key " + quoted(given) + " belongs under [" +
                 std::string(field.table) + "]";
    }
    std::vector<std::string_view> tables;
    for (const Field& field : fields_)
      if (tables.empty() || tables.back() != field.table) tables.push_back(field.table);
    return "unknown table " + quoted(given) + hint(given, tables);
  }

  std::string unknown_key(std::string_view table, std::string_view given) const {
    std::vector<std::string_view> names;
    for (const Field& field : fields_)
      if (field.table == table) names.push_back(field.name);
    return "unknown key " + quoted(given) + " in [" + std::string(table) + "]" +
           hint(given, names);
  }

  static std::string hint(std::string_view given,
                          const std::vector<std::string_view>& names) {
    const std::optional<std::string_view> meant = nearest(given, names);
    if (meant) return "; did you mean " + quoted(*meant) + "?";
    return "; there are: " + joined(names);
  }

  void report(const toml::source_region& where, std::string message) {
    problems_.push_back({name_, static_cast<int>(where.begin.line),
                         static_cast<int>(where.begin.column), std::move(message)});
  }

  const std::vector<Field> fields_;
  const std::string& name_;
  std::vector<Problem> problems_;
};

Loaded parse_and_read(std::string_view text, const std::string& name) {
  Loaded loaded;
  try {
    const toml::table root = toml::parse(text);
    loaded.problems = Reader(loaded.config, name).read(root);
  } catch (const toml::parse_error& thrown) {
    // Caught here and not by guarded(): only this type knows the place.
    const toml::source_position& at = thrown.source().begin;
    loaded.problems.push_back({name, static_cast<int>(at.line),
                               static_cast<int>(at.column),
                               std::string(thrown.description())});
  }
  if (!loaded.problems.empty()) loaded.config = Config();
  return loaded;
}

Loaded failed(const std::string& name, const Error& error) {
  return {Config(), {Problem{name, 0, 0, error.message()}}};
}

}  // namespace

std::string to_string(const Problem& problem) {
  std::string text = problem.file + ":";
  if (problem.line > 0) {
    text += std::to_string(problem.line) + ":";
    text += std::to_string(problem.column) + ":";
  }
  return text + " " + problem.message;
}

Loaded load_text(std::string_view text, const std::string& name) {
  Result<Loaded> loaded = guarded("reading the configuration", Errc::Internal,
                                  [&] { return parse_and_read(text, name); });
  return loaded ? *std::move(loaded) : failed(name, loaded.error());
}

Loaded load_file(const std::string& path) {
  const Result<std::string> text =
      guarded("reading the configuration", Errc::Io, [&] { return read_all(path); });
  return text ? load_text(*text, path) : failed(path, text.error());
}

std::vector<std::string> key_names() {
  Config config;
  std::vector<std::string> names;
  for (const Field& field : fields_of(config))
    names.push_back(std::string(field.table) + "." + std::string(field.name));
  return names;
}

}  // namespace tally::config

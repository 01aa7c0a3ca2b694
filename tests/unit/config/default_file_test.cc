// tallyd.toml shows every key, commented out, with its default. A key line is '#'
// directly followed by the key; prose is "# ".
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/fields.h"
#include "config/load.h"
#include "config/quantity.h"

namespace tally::config {
namespace {

bool is_key_line(const std::string& line) {
  return line.size() > 1 && line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
}

std::vector<std::string> default_lines() {
  std::ifstream file(TALLY_DEFAULT_CONFIG_FILE);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::string with_keys_set(const std::vector<std::string>& lines) {
  std::ostringstream text;
  for (const std::string& line : lines)
    text << (is_key_line(line) ? line.substr(1) : line) << '\n';
  return text.str();
}

std::string in_quotes(std::string_view text) {
  std::string result(1, '"');
  result += text;
  result += '"';
  return result;
}

// What the prose above a key has to say about its range.
struct Phrases {
  using List = std::vector<std::string>;
  List operator()(const CountTarget& target) const {
    return {std::to_string(target.least) + " to " + std::to_string(target.most)};
  }
  List operator()(const DurationTarget& target) const {
    return {in_quotes(format_duration(target.least)) + " to " +
            in_quotes(format_duration(target.most))};
  }
  List operator()(const ModeTarget&) const { return {"\"0600\" to \"0777\""}; }
  List operator()(const PathTarget&) const { return {"bsolute path"}; }
  List operator()(const LevelTarget&) const {
    List names;
    for (const std::string_view name : kLogLevelNames) names.push_back(in_quotes(name));
    return names;
  }
  List operator()(const LogTargetTarget&) const {
    List names;
    for (const std::string_view name : kLogTargetNames)
      names.push_back(in_quotes(name));
    return names;
  }
  List operator()(const FromClientsTarget&) const {
    List names;
    for (const std::string_view name : kFromClientsNames)
      names.push_back(in_quotes(name));
    return names;
  }
  List operator()(const SandboxUseTarget&) const {
    List names;
    for (const std::string_view name : kSandboxUseNames)
      names.push_back(in_quotes(name));
    return names;
  }
  List operator()(const BytesTarget&) const { return {"\"1GiB\"", "0: no limit"}; }
  List operator()(const StringsTarget& target) const {
    return {"p to " + std::to_string(kMostStrings),
            target.paths ? "absolute paths" : "Names of kernels"};
  }
  List operator()(const AccountsTarget& target) const {
    return {"p to " + std::to_string(kMostAccounts), target.kind == AccountKind::User
                                                         ? "user names and uids"
                                                         : "group names and gids"};
  }
};

TEST(DefaultFileTest, AsItIsItSetsNothingAndIsAccepted) {
  ASSERT_FALSE(default_lines().empty());
  const Loaded loaded = load_file(TALLY_DEFAULT_CONFIG_FILE);
  EXPECT_TRUE(loaded.problems.empty());
  EXPECT_EQ(loaded.config, Config());
}

TEST(DefaultFileTest, ItListsEveryKeyOnceUnderItsTable) {
  std::vector<std::string> listed;
  std::string table;
  for (const std::string& line : default_lines()) {
    if (line.starts_with('[')) table = line.substr(1, line.find(']') - 1);
    if (is_key_line(line))
      listed.push_back(table + "." + line.substr(1, line.find(' ') - 1));
  }
  EXPECT_EQ(listed, key_names());
}

TEST(DefaultFileTest, ItsValuesAreTheDefaults) {
  const Loaded loaded = load_text(with_keys_set(default_lines()), "tallyd.toml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << to_string(problem);
  EXPECT_EQ(loaded.config, Config());
}

TEST(DefaultFileTest, TheProseAboveAKeyStatesItsRangeAndWhatAChangeNeeds) {
  Config config;
  const std::vector<Field> fields = fields_of(config);
  auto field = fields.begin();
  std::string prose;
  for (const std::string& line : default_lines()) {
    if (line.empty()) prose.clear();
    if (line.starts_with("# ")) prose += line.substr(2) + " ";
    if (!is_key_line(line)) continue;
    ASSERT_NE(field, fields.end());
    for (const std::string& phrase : std::visit(Phrases{}, field->target))
      EXPECT_NE(prose.find(phrase), std::string::npos) << line << " lacks " << phrase;
    const char* const change =
        field->change == Change::Reload ? "Reloadable." : "Needs a restart.";
    EXPECT_NE(prose.find(change), std::string::npos) << line << " lacks " << change;
    ++field;
  }
  EXPECT_EQ(field, fields.end());
}

// Without this the values could be right and never read.
TEST(DefaultFileTest, EachKeyOfItIsReallyRead) {
  const std::vector<std::string> lines = default_lines();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!is_key_line(lines[i])) continue;
    std::vector<std::string> changed = lines;
    changed[i] = lines[i].substr(0, lines[i].find('=')) + "= false";
    const Loaded loaded = load_text(with_keys_set(changed), "tallyd.toml");
    ASSERT_EQ(loaded.problems.size(), 1U) << lines[i];
    EXPECT_EQ(loaded.problems[0].line, static_cast<int>(i) + 1);
  }
}

}  // namespace
}  // namespace tally::config

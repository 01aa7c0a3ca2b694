#include "config/load.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace tally::config {
namespace {

Loaded load(std::string_view text) {
  return load_text(text, "t.toml");
}

// The only problem of `text`, as tallyd prints it.
std::string only_problem(std::string_view text) {
  const Loaded loaded = load(text);
  EXPECT_EQ(loaded.problems.size(), 1U) << text;
  EXPECT_EQ(loaded.config, Config()) << text;
  return loaded.problems.empty() ? "" : to_string(loaded.problems[0]);
}

class TempDir {
 public:
  TempDir() {
    std::string pattern = "/tmp/tally_config_XXXXXX";
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TempDir() {
    ::unlink(file("f.toml").c_str());
    ::rmdir(path_.c_str());
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

TEST(LoadTest, NothingSetIsTheDefaults) {
  for (const std::string_view text : {"", "\n\n", "# a comment\n", "[pool]\n[log]\n"}) {
    const Loaded loaded = load(text);
    EXPECT_TRUE(loaded.problems.empty()) << text;
    EXPECT_EQ(loaded.config, Config()) << text;
  }
}

TEST(LoadTest, EveryKeyReachesItsMember) {
  const Loaded loaded = load(R"(
[daemon]
socket = "/tmp/x.sock"
socket_mode = "0660"
drain_timeout = "1500ms"
canary = "3s"
[access]
users = ["root", 1000]
groups = [1001, "root"]
administrators = [1002]
admin_groups = [1003]
[pool]
cores = 2
workers = 3
worker_program = "/opt/tally-worker"
attempts = 7
[threads]
max = 9
[limits]
sessions = 10
sessions_per_user = 9
jobs = 11
jobs_per_user = 10
chunks = 14
chunks_per_user = 13
descriptors = 12
descriptors_per_user = 11
requests = "1KiB"
requests_per_user = 1000
pinned = "1GiB"
pinned_per_user = "1MiB"
finished_jobs = 0
finished_age = "2h"
attached_grace = "3s"
[log]
level = "debug"
target = "journal"
)");
  ASSERT_TRUE(loaded.problems.empty()) << to_string(loaded.problems[0]);
  Config expected;
  expected.daemon = {"/tmp/x.sock", 0660, std::chrono::milliseconds(1500),
                     std::chrono::seconds(3)};
  expected.access = {{0, 1000}, {1001, 0}, {1002}, {1003}};
  expected.pool = {2, 3, "/opt/tally-worker", 7};
  expected.threads = {9};
  expected.limits = {10,
                     9,
                     11,
                     10,
                     14,
                     13,
                     12,
                     11,
                     1024,
                     1000,
                     1U << 30,
                     1U << 20,
                     0,
                     std::chrono::hours(2),
                     std::chrono::seconds(3)};
  expected.log = {LogLevel::Debug, LogTarget::Journal};
  EXPECT_EQ(loaded.config, expected);
}

TEST(LoadTest, AllProblemsComeInTheOrderOfTheFileAndNothingIsApplied) {
  const Loaded loaded = load(
      "[pool]\n"
      "workers = 4096\n"
      "attempts = \"three\"\n"
      "[log]\n"
      "  level = \"loud\"\n"
      "[daemon]\n"
      "drain_timeout = 30\n"
      "[threads]\n"
      "max = 2\n");
  ASSERT_EQ(loaded.problems.size(), 4U);
  EXPECT_EQ(
      to_string(loaded.problems[0]),
      "t.toml:2:11: pool.workers: expected an integer from 0 to 1024, found 4096");
  EXPECT_EQ(to_string(loaded.problems[1]),
            "t.toml:3:12: pool.attempts: expected an integer from 1 to 100, found "
            "\"three\"");
  EXPECT_EQ(to_string(loaded.problems[2]),
            "t.toml:5:11: log.level: expected one of \"trace\", \"debug\", \"info\", "
            "\"warn\", \"error\", found \"loud\"");
  EXPECT_EQ(loaded.problems[3].line, 7);
  EXPECT_EQ(loaded.problems[3].column, 17);
  EXPECT_EQ(loaded.config, Config());
}

TEST(LoadTest, EachBadEntryOfAListHasItsPlace) {
  const Loaded loaded = load(
      "[access]\n"
      "users = [\"root\", \"no-such-user\",\n"
      "  -1, 4294967295]\n"
      "groups = \"root\"\n"
      "admin_groups = [\"no-such-group\", 1.5]\n");
  std::vector<std::string> said;
  for (const Problem& problem : loaded.problems) said.push_back(to_string(problem));
  EXPECT_EQ(
      said,
      (std::vector<std::string>{
          "t.toml:2:18: access.users: there is no user \"no-such-user\" here",
          "t.toml:3:3: access.users: expected an id from 0 to 4294967294, found -1",
          "t.toml:3:7: access.users: expected an id from 0 to 4294967294, found "
          "4294967295",
          "t.toml:4:10: access.groups: expected an array of group names and gids, such "
          "as [\"staff\", 1000], found \"root\"",
          "t.toml:5:17: access.admin_groups: there is no group \"no-such-group\" here",
          "t.toml:5:34: access.admin_groups: expected a name or a number, found a "
          "floating-point number"}));
  EXPECT_EQ(loaded.config, Config());
}

TEST(LoadTest, AListHasABound) {
  std::string text = "[access]\nusers = [";
  for (int i = 0; i <= 4096; ++i) text += "1,";
  const Loaded loaded = load(text + "]\n");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_NE(loaded.problems[0].message.find("at most 4096"), std::string::npos);
}

TEST(LoadTest, AnUnknownKeySuggestsTheNearest) {
  EXPECT_EQ(only_problem("[pool]\nworker = 2\n"),
            "t.toml:2:1: unknown key \"worker\" in [pool]; did you mean \"workers\"?");
  EXPECT_EQ(only_problem("[pol]\nworkers = 2\n"),
            "t.toml:1:2: unknown table \"pol\"; did you mean \"pool\"?");
}

TEST(LoadTest, AnUnknownKeyNearToNothingListsWhatThereIs) {
  EXPECT_EQ(
      only_problem("[log]\nfrobnicate = 2\n"),
      "t.toml:2:1: unknown key \"frobnicate\" in [log]; there are: level, target");
  EXPECT_EQ(only_problem("[zzzzzz]\n"),
            "t.toml:1:2: unknown table \"zzzzzz\"; there are: daemon, access, pool, "
            "sandbox, kernels, threads, "
            "limits, log");
}

TEST(LoadTest, AKeyOutsideItsTableSaysWhereItBelongs) {
  EXPECT_EQ(only_problem("workers = 2\n"),
            "t.toml:1:1: the key \"workers\" belongs under [pool]");
}

TEST(LoadTest, ATableThatIsNoneIsRefused) {
  EXPECT_EQ(only_problem("pool = 3\n"), "t.toml:1:8: pool: expected a table, found 3");
  EXPECT_EQ(only_problem("[[pool]]\nworkers = 1\n"),
            "t.toml:1:1: pool: expected a table, found an array");
}

TEST(LoadTest, DottedAndInlineTablesAreTablesToo) {
  EXPECT_EQ(load("pool.workers = 5").config.pool.workers, 5U);
  EXPECT_EQ(load("pool = {workers = 6}").config.pool.workers, 6U);
}

TEST(LoadTest, BothEndsOfARangeAreAcceptedAndNothingBeyond) {
  EXPECT_EQ(load("[pool]\nattempts = 1").config.pool.attempts, 1U);
  EXPECT_EQ(load("[pool]\nattempts = 100").config.pool.attempts, 100U);
  EXPECT_EQ(load("[daemon]\ndrain_timeout = \"1h\"").config.daemon.drain_timeout,
            std::chrono::hours(1));
  for (const std::string_view text :
       {"[pool]\nattempts = 0", "[pool]\nattempts = 101", "[pool]\nworkers = -1",
        "[pool]\nworkers = 4294967296", "[pool]\nworkers = 9223372036854775807",
        "[daemon]\ndrain_timeout = \"3601s\"", "[daemon]\ndrain_timeout = \"-1s\"",
        "[limits]\nfinished_age = \"169h\""})
    EXPECT_NE(only_problem(text).find("expected"), std::string::npos) << text;
}

TEST(LoadTest, EveryWrongTypeIsNamed) {
  const auto found = [](std::string_view value) {
    const std::string problem = only_problem("[pool]\nworkers = " + std::string(value));
    return problem.substr(problem.find("found "));
  };
  EXPECT_EQ(found("2.0"), "found a floating-point number");
  EXPECT_EQ(found("true"), "found true");
  EXPECT_EQ(found("[1]"), "found an array");
  EXPECT_EQ(found("{a = 1}"), "found a table");
  EXPECT_EQ(found("2026-11-22"), "found a date or time");
  EXPECT_EQ(found("\"2\""), "found \"2\"");
}

TEST(LoadTest, ASocketModeLeavesTheOwnerIn) {
  EXPECT_EQ(load("[daemon]\nsocket_mode = \"660\"").config.daemon.socket_mode, 0660U);
  for (const std::string_view mode :
       {"\"0060\"", "\"0999\"", "\"1777\"", "\"00600\"", "\"\"", "\"rw\"", "0o600"})
    EXPECT_NE(only_problem("[daemon]\nsocket_mode = " + std::string(mode))
                  .find("from \"0600\" to \"0777\""),
              std::string::npos)
        << mode;
}

TEST(LoadTest, APathIsAbsoluteFitsTheKernelAndHasNoNul) {
  const auto socket = [](const std::string& path) {
    return "[daemon]\nsocket = \"" + path + "\"";
  };
  const std::string longest = "/" + std::string(106, 's');
  EXPECT_EQ(load(socket(longest)).config.daemon.socket, longest);
  EXPECT_EQ(load(socket("")).config.daemon.socket, "");
  for (const std::string& path :
       {longest + "s", std::string("tally.sock"), std::string("/a\\u0000b")})
    EXPECT_NE(only_problem(socket(path)).find("at most 107 bytes"), std::string::npos);
}

TEST(LoadTest, AMessageStaysOneShortLineWhateverTheFileHolds) {
  const std::string problem =
      only_problem("[log]\nlevel = \"a\\n\\u001b[31m" + std::string(5000, 'x') + "\"");
  EXPECT_LT(problem.size(), 300U);
  for (const char byte : problem) EXPECT_GE(static_cast<unsigned char>(byte), 0x20);
}

TEST(LoadTest, ASyntaxErrorHasItsPlace) {
  const Loaded loaded = load("[pool]\nworkers = = 2\n");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(loaded.problems[0].line, 2);
  EXPECT_GT(loaded.problems[0].column, 1);
  EXPECT_FALSE(loaded.problems[0].message.empty());
  EXPECT_EQ(load("[pool]\nworkers = 1\nworkers = 2\n").problems.at(0).line, 3);
}

TEST(LoadTest, BytesThatAreNoTextAreAProblemAndNoCrash) {
  EXPECT_FALSE(load(std::string_view("\0\0\0", 3)).problems.empty());
  EXPECT_FALSE(load("\xff\xfe\x00").problems.empty());
  EXPECT_FALSE(load("[pool]\nworkers = \"\xc3").problems.empty());
  EXPECT_FALSE(load("a = " + std::string(100'000, '[')).problems.empty());
}

TEST(LoadFileTest, AFileIsReadAndNamedInItsProblems) {
  const TempDir dir;
  const std::string path = dir.file("f.toml");
  std::ofstream(path) << "[pool]\nworkers = 5\n";
  EXPECT_EQ(load_file(path).config.pool.workers, 5U);
  std::ofstream(path) << "[pool]\nworkers = -5\n";
  const Loaded loaded = load_file(path);
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_TRUE(to_string(loaded.problems[0]).starts_with(path + ":2:11: "));
}

TEST(LoadFileTest, ADirectoryIsNotAnEmptyConfiguration) {
  const TempDir dir;
  const Loaded loaded = load_file(dir.path());
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(to_string(loaded.problems[0]),
            dir.path() + ": is a directory; expected a TOML file");
}

TEST(LoadFileTest, AMissingFileIsAProblemThatSaysWhy) {
  const TempDir dir;
  const Loaded loaded = load_file(dir.file("absent.toml"));
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_EQ(loaded.problems[0].message, "cannot be opened: No such file or directory");
}

TEST(LoadFileTest, AnEndlessFileIsRefused) {
  const Loaded loaded = load_file("/dev/zero");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_NE(loaded.problems[0].message.find("larger than 1 MiB"), std::string::npos);
}

}  // namespace
}  // namespace tally::config

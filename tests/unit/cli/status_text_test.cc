// A status as text, as metrics and on a screen.
#include "client/cli/status_text.h"

#include <gtest/gtest.h>

#include "client/cli/screen.h"
#include "client/cli/status_metrics.h"

namespace tally::cli {
namespace {

model::ServerStatus status_at(std::uint64_t uptime_ns, std::uint64_t jobs,
                              std::uint64_t elements) {
  model::ServerStatus status;
  status.pid = 7;
  status.uptime_ns = uptime_ns;
  status.jobs_finished = jobs;
  status.totals.elements = elements;
  return status;
}

TEST(StatusTextTest, RatesAreByTheDaemonsClock) {
  EXPECT_EQ(text_of_rates(status_at(1'000'000'000, 10, 0),
                          status_at(3'000'000'000, 15, 4'000'000'000)),
            "2.5 jobs/s, 2.00 G elements/s");
  EXPECT_EQ(text_of_rates(status_at(0, 0, 0), status_at(1'000'000'000, 1234, 0)),
            "1234 jobs/s, 0.00 elements/s");
}

TEST(StatusTextTest, ThereAreNoRatesOverADaemonsRestart) {
  EXPECT_EQ(text_of_rates(status_at(5, 10, 0), status_at(3, 1, 0)), "-");
  model::ServerStatus other = status_at(9, 20, 0);
  other.pid = 8;
  EXPECT_EQ(text_of_rates(status_at(5, 10, 0), other), "-");
}

TEST(StatusTextTest, EveryBoundOfTheCoresIsNamedAlsoThoseThatThereAreNot) {
  model::ServerStatus status;
  status.usable_cores = 2;
  status.core_bounds = {{"affinity", 4.0}, {"cgroup quota", 1.5}};
  EXPECT_NE(text_of_daemon(status).find(
                "2 usable: affinity 4, cgroup quota 1.5, no configuration\n"),
            std::string::npos)
      << text_of_daemon(status);
}

TEST(StatusTextTest, LongListsOfAccountsAreCut) {
  model::ServerStatus status;
  status.settings = {
      {"access.users", std::vector<std::uint32_t>(4096, 5), false, true, false}};
  const std::string text = text_of_settings(status);
  EXPECT_NE(text.find("5, 5, and 4,088 more]"), std::string::npos) << text;
}

TEST(StatusMetricsTest, LabelsAreEscaped) {
  model::ServerStatus status;
  status.version = "a\"b\\c\nd";
  EXPECT_NE(metrics_of_status(status).find(R"(version="a\"b\\c\nd",kind=)"),
            std::string::npos);
}

TEST(ScreenTest, TextIsCutToRowsAndColumnsOfCharacters) {
  EXPECT_EQ(cut_to("one\ntwo\nthree\n", 2, 80), "one\ntwo");
  EXPECT_EQ(cut_to("one\ntwo\n", 5, 80), "one\ntwo");
  EXPECT_EQ(cut_to("abcdef\nx\n", 5, 3), "abc\nx");
  EXPECT_EQ(cut_to("\xC3\xA9\xC3\xA9\xC3\xA9\n", 5, 2), "\xC3\xA9\xC3\xA9");
  EXPECT_EQ(cut_to("any\nsize\n", 0, 0), "any\nsize");
}

}  // namespace
}  // namespace tally::cli

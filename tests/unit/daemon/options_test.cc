#include "daemon/options.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace tally::daemon {
namespace {

Result<DaemonOptions> parse(std::initializer_list<const char*> words) {
  const std::vector<const char*> arguments(words);
  return parse_options(arguments);
}

TEST(OptionsTest, NoneIsToServeWithTheDefaults) {
  const Result<DaemonOptions> options = parse({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->action, DaemonOptions::Action::Serve);
  EXPECT_EQ(options->config_file, "");
  EXPECT_EQ(options->socket, "");
}

TEST(OptionsTest, AValueFollowsOrIsJoined) {
  for (const auto& options : {parse({"--config", "/c", "--socket", "/s"}),
                              parse({"--socket=/s", "--config=/c"})}) {
    ASSERT_TRUE(options);
    EXPECT_EQ(options->config_file, "/c");
    EXPECT_EQ(options->socket, "/s");
  }
}

TEST(OptionsTest, AMissingValueIsAnError) {
  for (const auto& options :
       {parse({"--socket"}), parse({"--config="}), parse({"--check-config"})}) {
    ASSERT_FALSE(options);
    EXPECT_EQ(options.error().code(), "missing_value");
  }
}

TEST(OptionsTest, AnUnknownOptionSuggestsTheNearest) {
  const Result<DaemonOptions> options = parse({"--soket", "/s"});
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().errc(), Errc::InvalidArgument);
  EXPECT_NE(options.error().message().find("did you mean '--socket'?"),
            std::string::npos);
}

TEST(OptionsTest, HelpAndVersionComeBeforeWhatFollowsThem) {
  EXPECT_EQ(parse({"--help", "--nonsense"})->action, DaemonOptions::Action::Help);
  EXPECT_EQ(parse({"--version"})->action, DaemonOptions::Action::Version);
}

}  // namespace
}  // namespace tally::daemon

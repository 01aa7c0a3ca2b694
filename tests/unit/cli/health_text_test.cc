// A daemon's health: in words, and whether it is good.
#include "client/cli/health_text.h"

#include <gtest/gtest.h>

namespace tally::cli {
namespace {

using model::HealthState;
using model::Path;

model::ServerStatus with(HealthState thread, HealthState process,
                         std::string message = "") {
  model::ServerStatus status;
  status.health = {{Path::Thread, thread, 2'000'000'000, 12'300, ""},
                   {Path::Process, process, std::nullopt, 0, std::move(message)}};
  return status;
}

TEST(HealthTextTest, OnlyOkAndBusyAreHealthy) {
  EXPECT_TRUE(model::is_healthy(with(HealthState::Ok, HealthState::Ok)));
  EXPECT_TRUE(model::is_healthy(with(HealthState::Busy, HealthState::Ok)));
  for (const HealthState sick : {HealthState::Off, HealthState::Wedged,
                                 HealthState::Failed, HealthState::Wrong}) {
    EXPECT_FALSE(model::is_healthy(with(HealthState::Ok, sick)));
    EXPECT_FALSE(model::is_healthy(with(sick, HealthState::Ok)));
  }
  EXPECT_FALSE(model::is_healthy({}));
}

TEST(HealthTextTest, ADegradedPoolIsNotHealthyAndSaysWhy) {
  model::ServerStatus status = with(HealthState::Ok, HealthState::Ok);
  status.degraded = "workers keep dying";
  EXPECT_FALSE(model::is_healthy(status));
  EXPECT_NE(text_of_health(status).find("workers  degraded  workers keep dying\n"),
            std::string::npos)
      << text_of_health(status);
}

TEST(HealthTextTest, EachPathHasALine) {
  EXPECT_EQ(text_of_health(with(HealthState::Ok, HealthState::Wedged, "no answer")),
            "thread   ok      answered 2.00 s ago, in 12.3 us\n"
            "process  wedged  never answered; no answer\n");
  EXPECT_EQ(text_of_health(with(HealthState::Ok, HealthState::Off, "none are sent")),
            "thread   ok   answered 2.00 s ago, in 12.3 us\n"
            "process  off  none are sent\n");
}

TEST(HealthTextTest, ThePathsThatAreSickAreNamed) {
  EXPECT_EQ(text_of_sick_paths(with(HealthState::Busy, HealthState::Ok)), "");
  EXPECT_EQ(text_of_sick_paths(with(HealthState::Ok, HealthState::Off, "off")), "");
  EXPECT_EQ(text_of_sick_paths(with(HealthState::Ok, HealthState::Wedged, "no answer")),
            "the process path is wedged: no answer");
}

}  // namespace
}  // namespace tally::cli

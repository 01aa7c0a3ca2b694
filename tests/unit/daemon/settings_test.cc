#include "daemon/settings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "config/load.h"

namespace tally::daemon {
namespace {

model::Setting setting_of(const std::vector<model::Setting>& settings,
                          const std::string& key) {
  const auto found = std::ranges::find(settings, key, &model::Setting::key);
  if (found != settings.end()) return *found;
  ADD_FAILURE() << "no setting " << key;
  return {};
}

TEST(SettingsTest, EveryKeyIsThereInItsOrder) {
  std::vector<std::string> keys;
  for (const model::Setting& setting : settings_of({}, {}, {})) {
    keys.push_back(setting.key);
    EXPECT_TRUE(setting.is_default) << setting.key;
    EXPECT_FALSE(setting.restart_pending) << setting.key;
  }
  EXPECT_EQ(keys, config::key_names());
}

TEST(SettingsTest, ValuesAreThoseInForce) {
  config::Config config;
  config.access.users = {0, 1000};
  config.daemon.socket_mode = 0660;
  config.daemon.drain_timeout = std::chrono::milliseconds(1500);
  config.log.level = config::LogLevel::Debug;
  const auto settings =
      settings_of(config, {"/run/x.sock", "/usr/libexec/tally-worker", 3, 4}, {});
  const std::vector<model::Setting> expected{
      {"daemon.socket", std::string("/run/x.sock"), false, false, false},
      {"daemon.socket_mode", std::string("0660"), false, false, false},
      {"daemon.drain_timeout", std::string("1500ms"), false, true, false},
      {"access.users", std::vector<std::uint32_t>{0, 1000}, false, true, false},
      {"pool.cores", std::int64_t{4}, true, false, false},
      {"pool.workers", std::int64_t{3}, true, false, false},
      {"pool.worker_program", std::string("/usr/libexec/tally-worker"), true, false,
       false},
      {"log.level", std::string("debug"), false, true, false},
      {"log.target", std::string("auto"), true, false, false}};
  for (const model::Setting& setting : expected)
    EXPECT_EQ(setting_of(settings, setting.key), setting) << setting.key;
}

TEST(SettingsTest, WhatTheFileChangedInVainIsMarked) {
  const auto settings = settings_of({}, {}, {"pool.attempts"});
  EXPECT_TRUE(setting_of(settings, "pool.attempts").restart_pending);
  EXPECT_FALSE(setting_of(settings, "pool.workers").restart_pending);
}

}  // namespace
}  // namespace tally::daemon

#include "config/reload.h"

#include <gtest/gtest.h>

#include "config/fields.h"
#include "config/load.h"

namespace tally::config {
namespace {

using Names = std::vector<std::string>;

TEST(ReloadTest, TheSameFileChangesNothing) {
  Config config;
  config.pool.workers = 3;
  const Reload outcome = reload(config, config);
  EXPECT_EQ(outcome.config, config);
  EXPECT_EQ(outcome.applied, Names());
  EXPECT_EQ(outcome.needs_restart, Names());
}

TEST(ReloadTest, WhatMayChangeChangesAndTheRestIsNamed) {
  Config running;
  running.access.groups = {7};
  Config loaded;
  loaded.access.users = {1000};
  loaded.limits.sessions = 5;
  loaded.log.level = LogLevel::Debug;
  loaded.daemon.socket = "/tmp/other.sock";
  loaded.pool.workers = 9;
  const Reload outcome = reload(running, loaded);
  EXPECT_EQ(outcome.applied,
            (Names{"access.users", "access.groups", "limits.sessions", "log.level"}));
  EXPECT_EQ(outcome.needs_restart, (Names{"daemon.socket", "pool.workers"}));
  Config expected = loaded;
  expected.daemon.socket = running.daemon.socket;
  expected.pool.workers = running.pool.workers;
  EXPECT_EQ(outcome.config, expected);
}

// Else what was named once would be forgotten while it is still not in effect.
TEST(ReloadTest, WhatNeedsARestartIsNamedEachTime) {
  Config loaded;
  loaded.threads.max = 8;
  const Reload once = reload(Config(), loaded);
  EXPECT_EQ(reload(once.config, loaded).needs_restart, Names{"threads.max"});
}

TEST(ReloadTest, EveryKeyIsComparedAndCopied) {
  Config changed = load_text(R"(
[daemon]
socket = "/s"
socket_mode = "0660"
drain_timeout = "1s"
canary = "1s"
[access]
users = [1]
groups = [1]
administrators = [1]
admin_groups = [1]
[pool]
cores = 1
workers = 1
worker_program = "/w"
attempts = 1
retries_per_job = 1
chunk_timeout = "1s"
stall_timeout = "1s"
recycle_chunks = 1
recycle_growth = "1MiB"
[sandbox]
seccomp = "off"
landlock = "require"
[kernels]
files = ["/k.so"]
in_process = ["k"]
from_clients = "no"
memory = "1MiB"
stall_timeout = "1s"
[threads]
max = 1
[limits]
sessions = 1
sessions_per_user = 1
jobs = 1
jobs_per_user = 1
chunks = 1
chunks_per_user = 1
descriptors = 1
descriptors_per_user = 1
requests = 1
requests_per_user = 1
pinned = 1
pinned_per_user = 1
finished_jobs = 1
finished_age = "1s"
attached_grace = "1s"
[log]
level = "warn"
target = "stderr"
)",
                             "t.toml")
                       .config;
  Config config;
  const std::vector<Field> here = fields_of(config);
  const std::vector<Field> there = fields_of(changed);
  for (std::size_t i = 0; i < here.size(); ++i) {
    EXPECT_FALSE(same_value(here[i].target, there[i].target)) << here[i].name;
    copy_value(there[i].target, here[i].target);
    EXPECT_TRUE(same_value(here[i].target, there[i].target)) << here[i].name;
  }
  EXPECT_EQ(config, changed);
}

}  // namespace
}  // namespace tally::config

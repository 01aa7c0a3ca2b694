#include "runtime/exec/process/death.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <string>

namespace tally::exec {
namespace {

const account::OomKills::Evidence kStood{false, "oom_kill stood at 2"};

ZygoteMessage death(std::int32_t code, std::int32_t status) {
  ZygoteMessage message;
  message.report = ZygoteReport::Died;
  message.pid = 4711;
  message.code = code;
  message.status = status;
  return message;
}

std::string text(const Error& error, std::string_view name) {
  const Error::FieldValue* value = error.field(name);
  if (value == nullptr) return "(none)";
  if (const auto* number = std::get_if<std::int64_t>(value))
    return std::to_string(*number);
  return std::get<std::string>(*value);
}

void expect_names_the_worker(const Error& error) {
  EXPECT_EQ(error.errc(), Errc::WorkerLost);
  EXPECT_EQ(text(error, "worker"), "3");
  EXPECT_EQ(text(error, "pid"), "4711");
  EXPECT_EQ(error.message().rfind("worker 3 (pid 4711) ", 0), 0U) << error.message();
}

TEST(DeathCause, OfAnExitIsItsStatus) {
  for (const int status : {0, 1, 255}) {
    const Error error = death_cause(3, death(CLD_EXITED, status), kStood);
    expect_names_the_worker(error);
    EXPECT_EQ(error.code(), "worker_exited");
    EXPECT_EQ(text(error, "exit_status"), std::to_string(status));
    EXPECT_NE(error.message().find("status " + std::to_string(status)),
              std::string::npos);
    EXPECT_EQ(error.field("signal"), nullptr);
  }
}

TEST(DeathCause, OfASignalIsItsName) {
  for (const auto& [number, name] :
       {std::pair(SIGKILL, "SIGKILL"), std::pair(SIGTERM, "SIGTERM")}) {
    const Error error = death_cause(3, death(CLD_KILLED, number), kStood);
    expect_names_the_worker(error);
    EXPECT_EQ(error.code(), "worker_killed");
    EXPECT_EQ(text(error, "signal"), name);
    EXPECT_NE(error.message().find(name), std::string::npos);
    EXPECT_EQ(error.field("exit_status"), nullptr);
  }
}

TEST(DeathCause, OfACoreDumpIsTheSignalToo) {
  const Error error = death_cause(3, death(CLD_DUMPED, SIGSEGV), kStood);
  expect_names_the_worker(error);
  EXPECT_EQ(error.code(), "worker_killed");
  EXPECT_EQ(text(error, "signal"), "SIGSEGV");
}

TEST(DeathCause, OfADeniedCallIsItsName) {
  ChunkPage page;
  page.denied_call = 41 + 1;
  page.denied_arch = 0xC000'003E;  // AUDIT_ARCH_X86_64
  const Error error = denied_call(3, death(CLD_DUMPED, SIGSYS), page);
  expect_names_the_worker(error);
  EXPECT_EQ(error.code(), "worker_denied_call");
  EXPECT_EQ(text(error, "syscall"), "socket");
  EXPECT_EQ(text(error, "number"), "41");
}

TEST(DeathCause, OfADeniedCallThatNobodyWroteDownIsNotGuessed) {
  ChunkPage page;
  const Error error = denied_call(3, death(CLD_KILLED, SIGSYS), page);
  EXPECT_EQ(error.code(), "worker_denied_call");
  EXPECT_EQ(error.field("syscall"), nullptr);
  EXPECT_NE(error.message().find("unknown"), std::string::npos);
  page.denied_call = 4'000'000;
  EXPECT_EQ(text(denied_call(3, death(CLD_KILLED, SIGSYS), page), "syscall"),
            "call 3999999");
}

TEST(DeathCause, OfASignalWithoutANameIsItsNumber) {
  const Error error = death_cause(3, death(CLD_KILLED, SIGRTMIN + 2), kStood);
  EXPECT_EQ(text(error, "signal"), "signal " + std::to_string(SIGRTMIN + 2));
}

TEST(DeathCause, ThatNobodySawIsNotGuessed) {
  const Error error = unknown_death(3, 4711, 'S');
  expect_names_the_worker(error);
  EXPECT_EQ(error.code(), "worker_lost");
  EXPECT_EQ(error.field("signal"), nullptr);
  EXPECT_EQ(error.field("exit_status"), nullptr);
}

TEST(DeathCause, IsWantOfMemoryOnlyOnEvidenceAndOnlyForSigkill) {
  const account::OomKills::Evidence rose{true, "oom_kill rose from 2 to 3"};
  const Error oom = death_cause(3, death(CLD_KILLED, SIGKILL), rose);
  expect_names_the_worker(oom);
  EXPECT_EQ(oom.code(), "worker_oom_killed");
  EXPECT_EQ(text(oom, "checked"), rose.checked);
  EXPECT_NE(oom.message().find(rose.checked), std::string::npos);
  const Error somebody = death_cause(3, death(CLD_KILLED, SIGKILL), kStood);
  EXPECT_EQ(somebody.code(), "worker_killed");
  EXPECT_NE(somebody.message().find("not by tallyd"), std::string::npos);
  EXPECT_NE(somebody.message().find(kStood.checked), std::string::npos);
  EXPECT_EQ(death_cause(3, death(CLD_KILLED, SIGBUS), rose).code(), "worker_killed");
}

TEST(DeathCause, ThatNobodySawSaysWhatWasChecked) {
  EXPECT_NE(unknown_death(3, 4711, '\0').message().find("its process is gone"),
            std::string::npos);
  EXPECT_NE(unknown_death(3, 4711, 'S').message().find("its process is sleeping (S)"),
            std::string::npos);
  const std::string unborn = unknown_death(3, 0, '\0').message();
  EXPECT_NE(unborn.find("had not told of its process yet"), std::string::npos);
  EXPECT_EQ(unborn.find("is gone"), std::string::npos);
}

TEST(DeathCause, OfAWorkerThatDidNotHeedIsOurs) {
  const Error error =
      worker_deaf(3, 4711, "chunk 2: not begun", 'T', std::chrono::seconds(1));
  EXPECT_EQ(error.code(), "worker_deaf");
  EXPECT_NE(error.message().find("was ended by us: it did not heed within 1000 ms"),
            std::string::npos);
}

TEST(DeathCause, OfAStallIsWhatStoodStill) {
  const Error error = worker_stalled({3, 4711, "chunk 7: reading file 2, 9 done", 'T',
                                      std::chrono::seconds(2), "[pool] stall_timeout"});
  expect_names_the_worker(error);
  EXPECT_EQ(error.code(), "worker_stalled");
  EXPECT_EQ(text(error, "limit_ms"), "2000");
  EXPECT_EQ(text(error, "doing"), "chunk 7: reading file 2, 9 done");
  EXPECT_EQ(text(error, "process_state"), "T");
  EXPECT_NE(error.message().find("[pool] stall_timeout"), std::string::npos);
  EXPECT_NE(error.message().find("was stopped (T)"), std::string::npos);
}

}  // namespace
}  // namespace tally::exec

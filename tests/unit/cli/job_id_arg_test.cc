#include "client/cli/job_id_arg.h"

#include <gtest/gtest.h>

#include "ipc/codec/control_codec.h"
#include "ipc/frame.h"
#include "tests/unit/cli/fake_daemon.h"
#include "tests/unit/cli/parsed.h"

namespace tally::cli {
namespace {

TEST(JobIdArg, AFullIdIsAJobId) {
  const Result<model::JobRef> job = job_of(parsed({"wait", "7f3a91c2004be810-17"}));
  ASSERT_TRUE(job) << message_of(job);
  EXPECT_EQ(std::get<model::JobId>(*job), (model::JobId{0x7f3a91c2004be810, 17}));
}

TEST(JobIdArg, AShortIdIsAPattern) {
  const Result<model::JobRef> job = job_of(parsed({"wait", "7f3a-17"}));
  ASSERT_TRUE(job) << message_of(job);
  const auto& pattern = std::get<model::JobIdPattern>(*job);
  EXPECT_EQ(pattern.tag_prefix, 0x7f3a000000000000U);
  EXPECT_EQ(pattern.tag_digits, 4U);
  EXPECT_EQ(pattern.number, 17U);
}

TEST(JobIdArg, AnythingElseIsRefused) {
  for (const char* const word : {"17", "-", "7f3a", "7f3a-", "7g3a-17", "7f3a-17x",
                                 "07f3a91c2004be810-17", "7f3a--17", " 7f3a-17"})
    EXPECT_EQ(code_of(job_of(parsed({"wait", word}))), "bad_job_id") << word;
  EXPECT_EQ(code_of(job_of(parsed({"wait"}))), "no_job_id");
  EXPECT_EQ(code_of(job_of(parsed({"wait", "7f3a-1", "7f3a-2"}))),
            "unexpected_argument");
}

// The reply to a wait through a daemon that tells what it was asked for.
std::string asked_for(const model::JobRef& job) {
  std::string asked;
  FakeDaemon daemon([&](std::uint32_t sequence, const model::Request& request) {
    const auto& ref = std::get<model::Wait>(request).job;
    if (const auto* pattern = std::get_if<model::JobIdPattern>(&ref))
      asked = std::to_string(pattern->tag_digits) + " digits, number " +
              std::to_string(pattern->number);
    return Replies{{sequence, model::Done{}}};
  });
  if (daemon.client() == nullptr) return "no client";
  const auto reply = daemon.client()->call(model::Wait{job});
  return reply ? asked : message_of(reply);
}

TEST(JobIdArg, APatternCrossesTheWire) {
  EXPECT_EQ(asked_for(model::JobIdPattern{0x7f3a000000000000, 4, 17}),
            "4 digits, number 17");
}

TEST(JobIdArg, APatternWithoutDigitsIsRefusedByItsReader) {
  for (const unsigned digits : {0U, 17U}) {
    ipc::Bytes out;
    ASSERT_TRUE(ipc::append_request(
        out, 1, 0, model::Wait{model::JobIdPattern{1ULL << 60, digits, 17}}));
    const auto body = std::span<const std::byte>(out).subspan(ipc::kFrameHeaderBytes);
    EXPECT_EQ(code_of(ipc::read_request(body)), "bad_job_id") << digits;
  }
}

}  // namespace
}  // namespace tally::cli

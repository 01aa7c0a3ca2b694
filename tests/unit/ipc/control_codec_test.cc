#include "ipc/codec/control_codec.h"

#include <gtest/gtest.h>

#include <string>

#include "ipc/codec/common_codec.h"
#include "ipc/schema/control.capnp.h"
#include "tests/unit/ipc/samples.h"
#include "tests/unit/ipc/wire_support.h"

namespace tally::ipc {
namespace {

// Encoding is a function, so equal bytes mean that nothing was lost on the way.
TEST(ControlCodec, EveryRequestSurvivesTheWire) {
  for (const model::Request& request : sample_requests()) {
    const Bytes body = request_body(request);
    const Result<model::Request> read = read_request(body);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->index(), request.index());
    EXPECT_EQ(request_body(*read), body);
  }
}

TEST(ControlCodec, EveryReplySurvivesTheWire) {
  for (const model::Reply& reply : sample_replies()) {
    const Bytes body = reply_body(reply);
    const Result<model::Reply> read = read_reply(body);
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->index(), reply.index());
    EXPECT_EQ(reply_body(*read), body);
  }
}

TEST(ControlCodec, AJobIsNamedInFourWays) {
  const auto through = [](model::JobRef job) {
    return std::get<model::Cancel>(*read_request(request_body(model::Cancel{job}))).job;
  };
  EXPECT_EQ(std::get<model::JobId>(through(model::JobId{1, 2})), (model::JobId{1, 2}));
  EXPECT_EQ(std::get<model::ClientId>(through(model::ClientId{"mine"})).text, "mine");
  EXPECT_EQ(std::get<model::SubmitSequence>(through(model::SubmitSequence{7})).sequence,
            7U);
  const auto prefix = std::get<model::JobIdPattern>(
      through(model::JobIdPattern{0x7F3A'0000'0000'0000U, 4, 17}));
  EXPECT_EQ(prefix.tag_prefix, 0x7F3A'0000'0000'0000U);
  EXPECT_EQ(prefix.tag_digits, 4U);
  EXPECT_EQ(prefix.number, 17U);
}

TEST(ControlCodec, APrefixOfNoDigitsOrTooManyIsRefused) {
  for (const unsigned digits : {0U, 17U, 255U})
    EXPECT_FALSE(read_request(
        request_body(model::Cancel{model::JobIdPattern{0x7FU << 4U, digits, 17}})))
        << digits;
}

TEST(ControlCodec, StatusKeepsWhatIsThereAndWhatIsNot) {
  model::ServerStatus status;
  status.workers = {
      {0, 10, "busy", model::JobId{1, 2}, 3, 4, 5, std::nullopt, "chunk 3", 7, 'T'},
      {1, 0, "dead", std::nullopt, 3, 4, std::nullopt, 6, "", 0, 0}};
  const Result<model::Reply> reply = read_reply(reply_body(status));
  ASSERT_TRUE(reply);
  const auto& read = std::get<model::ServerStatus>(*reply);
  ASSERT_EQ(read.workers.size(), 2U);
  EXPECT_EQ(read.workers[0].job, (model::JobId{1, 2}));
  EXPECT_EQ(read.workers[0].pss_bytes, 5U);
  EXPECT_EQ(read.workers[0].rss_bytes, std::nullopt);
  EXPECT_EQ(read.workers[0].doing, "chunk 3");
  EXPECT_EQ(read.workers[0].stalled_ns, 7U);
  EXPECT_EQ(read.workers[0].process_state, 'T');
  EXPECT_EQ(read.workers[1].job, std::nullopt);
  EXPECT_EQ(read.workers[1].rss_bytes, 6U);
  EXPECT_EQ(read.workers_pss_bytes, std::nullopt);
}

TEST(ControlCodec, StatusKeepsTotalsAndSettings) {
  model::ServerStatus status;
  status.totals = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  status.tokens = {{"db", 0, 3}, {"nas", 4, 1}};
  status.settings = {
      {"pool.workers", std::int64_t{-2}, false, true, true},
      {"daemon.socket", std::string("/run"), true, false, false},
      {"access.users", std::vector<std::uint32_t>{0, 1000}, true, true, false}};
  status.limits = {{"jobs", std::nullopt, 8, std::nullopt}, {"jobs", 0, 7, 6}};
  const Result<model::Reply> reply = read_reply(reply_body(status));
  ASSERT_TRUE(reply);
  const auto& read = std::get<model::ServerStatus>(*reply);
  EXPECT_EQ(read.limits, status.limits);
  EXPECT_EQ(read.totals, status.totals);
  EXPECT_EQ(read.tokens, status.tokens);
  EXPECT_EQ(read.settings, status.settings);
}

TEST(ControlCodec, StatusKeepsTheHealthOfEachPath) {
  model::ServerStatus status;
  status.health = {
      {model::Path::Inline, model::HealthState::Off, std::nullopt, 0, "off"},
      {model::Path::Process, model::HealthState::Wrong, 1'000, 20, "sum gave 2"}};
  const Result<model::Reply> reply = read_reply(reply_body(status));
  ASSERT_TRUE(reply);
  EXPECT_EQ(std::get<model::ServerStatus>(*reply).health, status.health);
}

TEST(ControlCodec, AHealthThatHasNoNameIsRefused) {
  for (const unsigned state : {0U, 7U, 255U}) {
    model::ServerStatus status;
    status.health = {
        {model::Path::Inline, static_cast<model::HealthState>(state), {}, 0, ""}};
    EXPECT_FALSE(read_reply(reply_body(status))) << state;
  }
}

TEST(ControlCodec, EventsCarryTheSequenceOfTheirSubmit) {
  Bytes out;
  append_event(out, 42, model::JobProgress{{1, 2}, 3, 4, true});
  const Result<FrameHeader> header =
      decode_header(HeaderBytes(out.data(), kFrameHeaderBytes), {});
  ASSERT_TRUE(header);
  EXPECT_EQ(header->kind, FrameKind::Event);
  EXPECT_EQ(header->sequence, 42U);
  const Result<model::Event> event = read_event(body_of(out));
  ASSERT_TRUE(event);
  const auto& progress = std::get<model::JobProgress>(*event);
  EXPECT_EQ(progress.id, (model::JobId{1, 2}));
  EXPECT_EQ(progress.done, 3U);
  EXPECT_EQ(progress.total, 4U);
  EXPECT_TRUE(progress.in_bytes);
}

TEST(ControlCodec, AnEventMayAskForFiles) {
  Bytes out;
  append_event(out, 42, model::NeedFiles{65'472, 64});
  const Result<model::Event> event = read_event(body_of(out));
  ASSERT_TRUE(event);
  const auto& need = std::get<model::NeedFiles>(*event);
  EXPECT_EQ(need.first, 65'472U);
  EXPECT_EQ(need.count, 64U);
}

TEST(ControlCodec, FilesComeFromAPlaceOrWithAReasonWhyNot) {
  const auto read = [](const model::SendFiles& files) {
    return std::get<model::SendFiles>(*read_request(request_body(files)));
  };
  EXPECT_EQ(read({128, {}}).first, 128U);
  EXPECT_FALSE(read({128, {}}).error);
  const auto lost = read({3, Error(Errc::Io, "file_lost", "it is gone")});
  EXPECT_EQ(lost.first, 3U);
  ASSERT_TRUE(lost.error);
  EXPECT_EQ(lost.error->code(), "file_lost");
}

TEST(ControlCodec, AReplyOverTheLimitBecomesAnErrorThatSaysSo) {
  model::JobAnswer answer;
  answer.state = model::JobState::Done;
  answer.reason.assign(kMaxReplyBytes, 'x');
  const Result<model::Reply> reply = read_reply(reply_body(answer));
  ASSERT_TRUE(reply);
  EXPECT_EQ(std::get<Error>(*reply).code(), "message_too_large");
}

TEST(ControlCodec, AnErrorClassFromALaterVersionIsInternalAndKeepsItsCode) {
  MessageScratch scratch;
  auto error = scratch.builder().initRoot<schema::Reply>().initError();
  error.setErrc(999);
  error.setCode("from_the_future");
  error.setMessage("what it says");
  Bytes out;
  ASSERT_TRUE(append_frame(out, {FrameKind::Reply, 0, 0, 1}, scratch.builder(),
                           kMaxReplyBytes));
  const Result<model::Reply> reply = read_reply(body_of(out));
  ASSERT_TRUE(reply);
  EXPECT_EQ(std::get<Error>(*reply),
            Error(Errc::Internal, "from_the_future", "what it says"));
}

}  // namespace
}  // namespace tally::ipc

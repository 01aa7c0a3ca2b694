#include <gtest/gtest.h>

#include <bit>

#include "ipc/codec/control_codec.h"
#include "tests/unit/ipc/samples.h"

namespace tally::ipc {
namespace {

model::JobAnswer through_the_wire(const model::JobAnswer& answer) {
  Result<model::Reply> reply = read_reply(reply_body(answer));
  EXPECT_TRUE(reply);
  return std::get<model::JobAnswer>(*std::move(reply));
}

template <typename T>
T value_of(const model::JobAnswer& answer, std::size_t index) {
  return std::get<T>(answer.results[index].value);
}

TEST(AnswerCodec, KeepsIntegersOf128Bits) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  EXPECT_EQ(to_string(value_of<Int128>(read, 0)),
            "-170141183460469231731687303715884105728");
  EXPECT_EQ(to_string(value_of<Int128>(read, 1)), "-1");
}

TEST(AnswerCodec, KeepsTheBitsOfFloats) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  EXPECT_EQ(std::bit_cast<std::uint64_t>(value_of<double>(read, 2)),
            std::uint64_t{1} << 63);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(value_of<double>(read, 3)),
            0xfff8dead0000beef);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(value_of<float>(read, 4)), 0x7fc12345U);
}

TEST(AnswerCodec, KeepsIndexesWithAndWithoutAFile) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  EXPECT_EQ(value_of<model::ElementIndex>(read, 5), (model::ElementIndex{"f.npy", 42}));
  EXPECT_EQ(value_of<model::ElementIndex>(read, 6),
            (model::ElementIndex{std::nullopt, ~std::uint64_t{0}}));
}

TEST(AnswerCodec, KeepsTextToTheByte) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  EXPECT_EQ(value_of<std::string>(read, 7), "a \n\xff b");
}

TEST(AnswerCodec, KeepsHistograms) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  EXPECT_EQ(value_of<model::Histogram>(read, 8),
            (model::Histogram{{-1, 0.5, 2}, {~std::uint64_t{0}, 0}, 1, 2, 3}));
}

TEST(AnswerCodec, KeepsWhichKernelsWereUsed) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  ASSERT_EQ(read.kernels.size(), 2U);
  EXPECT_EQ(read.kernels[0].name, "words");
  EXPECT_EQ(read.kernels[0].file, "libwords.so");
  EXPECT_EQ(read.kernels[0].hash, sample_answer().kernels[0].hash);
  EXPECT_EQ(read.kernels[1].hash, model::ImageHash{});
}

TEST(AnswerCodec, KeepsWhatIsNotCovered) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  ASSERT_EQ(read.missing.size(), 2U);
  EXPECT_EQ(read.missing[0].file, "f.npy");
  EXPECT_EQ(read.missing[0].end, ~std::uint64_t{0});
  EXPECT_FALSE(read.missing[0].in_bytes);
  EXPECT_EQ(read.missing[0].error, sample_answer().missing[0].error);
  EXPECT_EQ(read.missing[0].error.code(), read.missing[1].error.code());
  EXPECT_EQ(read.missing[1].file, std::nullopt);
  EXPECT_EQ(read.missing[1].begin, 1U);
  EXPECT_TRUE(read.missing[1].in_bytes);
}

TEST(AnswerCodec, KeepsWhyAResultHasNoValue) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  ASSERT_EQ(read.results.size(), 10U);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(read.results[9].value));
  EXPECT_EQ(read.results[9].error, sample_answer().results[9].error);
  EXPECT_FALSE(read.results[0].error);
}

TEST(AnswerCodec, KeepsErrorsWithTheirFields) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  EXPECT_EQ(read.error, sample_answer().error);
}

TEST(AnswerCodec, KeepsNamesArgumentsAndColumns) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  EXPECT_EQ(read.results[2].label, "minus zero");
  EXPECT_EQ(read.results[2].reducer, "some");
  EXPECT_EQ(read.results[2].args, (std::vector<std::string>{"0.5", ""}));
  EXPECT_EQ(read.results[2].column, "temp \xC3\xA9");
}

TEST(AnswerCodec, WhatWasNotMeasuredStaysUnmeasured) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  EXPECT_EQ(read.memory.peak_rss_bytes, 1U);
  EXPECT_EQ(read.memory.workers_pss_bytes, std::nullopt);
  EXPECT_EQ(read.memory.workers_anon_bytes, 0U);
  ASSERT_EQ(read.worker_usage.size(), 2U);
  EXPECT_EQ(read.worker_usage[0].peak_rss_bytes, 12U);
  EXPECT_EQ(read.worker_usage[1].peak_rss_bytes, std::nullopt);
}

TEST(AnswerCodec, KeepsTheReport) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  EXPECT_EQ(read.id, sample_answer().id);
  EXPECT_EQ(read.state, model::JobState::Failed);
  EXPECT_EQ(read.elements, sample_answer().elements);
  EXPECT_EQ(read.daemon_kind, model::DaemonKind::Embedded);
  EXPECT_EQ(read.daemon_pid, 4000U);
  EXPECT_EQ(read.path, model::Path::Process);
  EXPECT_EQ(read.reason, "hint cpu");
  EXPECT_EQ(read.workers, 2U);
  EXPECT_EQ(read.chunks, 16U);
  EXPECT_EQ(read.retries, 1U);
  EXPECT_EQ(read.time.queue_ns, 1U);
  EXPECT_EQ(read.time.plan_ns, 2U);
  EXPECT_EQ(read.time.run_ns, 3U);
  EXPECT_EQ(read.time.merge_ns, 4U);
  EXPECT_EQ(read.time.reply_ns, 5U);
  EXPECT_EQ(read.time.other_ns, 6U);
  EXPECT_EQ(read.time.total_ns, 21U);
  EXPECT_EQ(read.time.cpu_user_ns, 8U);
  EXPECT_EQ(read.time.cpu_system_ns, 9U);
  EXPECT_EQ(read.memory.daemon_rss_bytes, 4U);
  EXPECT_EQ(read.memory.input_bytes, 5U);
  EXPECT_EQ(read.memory.system_used_percent, 12.5);
  EXPECT_EQ(read.worker_usage[0].elements, 9U);
  EXPECT_EQ(read.worker_usage[0].cpu_ns, 11U);
}

TEST(AnswerCodec, KeepsTheTrace) {
  const model::JobAnswer read = through_the_wire(sample_answer());
  ASSERT_TRUE(read.trace.has_value());
  EXPECT_EQ(read.trace->records, sample_answer().trace->records);
  EXPECT_EQ(read.trace->left_out, 7U);
  model::JobAnswer without = sample_answer();
  without.trace.reset();
  EXPECT_FALSE(through_the_wire(without).trace.has_value());
}

TEST(AnswerCodec, AnEndOfAChunkThatIsNoneIsRefused) {
  model::JobAnswer answer = sample_answer();
  answer.trace->records[0].end = static_cast<model::ChunkEnd>(5);
  const Result<model::Reply> reply = read_reply(reply_body(answer));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), "bad_enum");
}

TEST(AnswerCodec, KeepsWhatItTookToStop) {
  model::JobAnswer answer = sample_answer();
  EXPECT_EQ(through_the_wire(answer).stopped, answer.stopped);
  answer.stopped = model::Stopped{};
  EXPECT_EQ(through_the_wire(answer).stopped, answer.stopped);
  answer.stopped.reset();
  EXPECT_EQ(through_the_wire(answer).stopped, std::nullopt);
}

TEST(AnswerCodec, AMeansToStopThatIsNoneIsRefused) {
  for (const int none : {0, 6}) {
    model::JobAnswer answer = sample_answer();
    answer.stopped->how = static_cast<model::StopMeans>(none);
    const Result<model::Reply> reply = read_reply(reply_body(answer));
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code(), "bad_enum");
  }
}

TEST(AnswerCodec, AStateThatIsNoneIsRefused) {
  model::JobAnswer answer = sample_answer();
  answer.state = static_cast<model::JobState>(9);
  const Result<model::Reply> reply = read_reply(reply_body(answer));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), "bad_enum");
}

}  // namespace
}  // namespace tally::ipc

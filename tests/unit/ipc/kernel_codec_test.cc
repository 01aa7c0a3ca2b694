#include "ipc/codec/kernel_codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>

#include "ipc/codec/control_codec.h"
#include "ipc/codec/worker_codec.h"
#include "ipc/schema/worker.capnp.h"
#include "tests/unit/ipc/samples.h"
#include "tests/unit/ipc/wire_support.h"

namespace tally::ipc {
namespace {

// The sample messages about kernels, after the wire.
template <typename T>
T sample_through_the_wire(std::size_t index) {
  Result<WorkerMessage> read =
      read_worker_message(worker_body(sample_worker_messages()[index]));
  EXPECT_TRUE(read);
  return std::get<T>(*std::move(read));
}

std::vector<AssignedTask> tasks() {
  return sample_through_the_wire<std::vector<AssignedTask>>(1);
}

model::Partial partial() {
  return std::get<model::Partial>(
      sample_through_the_wire<std::vector<model::ChunkOutcome>>(2).at(2).result);
}

template <typename T>
T output(const model::Partial& from, std::size_t index) {
  return std::get<T>(from.outputs.at(0).at(index).value);
}

TEST(KernelCodec, ATaskKeepsItsImagesAndWhichOfThemComeAlong) {
  const model::ChunkTask task = tasks().at(3).task;
  ASSERT_EQ(task.images.size(), 2U);
  EXPECT_EQ(task.images[0].hash[1], std::byte{9});
  EXPECT_EQ(task.images[0].name, "libwords.so");
  EXPECT_EQ(task.images[0].descriptor, 3U);
  EXPECT_EQ(task.images[1].descriptor, std::nullopt);
  EXPECT_EQ(task.sync_descriptor, 4U);
  EXPECT_EQ(task.kernel_memory_bytes, std::uint64_t{1} << 33);
  EXPECT_TRUE(task.finish_kernels);
}

TEST(KernelCodec, ATaskKeepsItsKernelsColumnsAndArguments) {
  const model::ChunkTask task = tasks().at(3).task;
  EXPECT_FALSE(task.columns[0].text);
  EXPECT_TRUE(task.columns[1].text);
  ASSERT_EQ(task.kernels.size(), 2U);
  EXPECT_EQ(task.kernels[0].image, task.images[0].hash);
  EXPECT_EQ(task.kernels[0].kernel, "words");
  EXPECT_EQ(task.kernels[0].columns, (std::vector<std::uint32_t>{1, 0}));
  ASSERT_EQ(task.kernels[0].arguments.size(), 2U);
  EXPECT_EQ(task.kernels[0].arguments[0].name, "top");
  EXPECT_EQ(task.kernels[0].arguments[0].value, "3");
}

TEST(KernelCodec, TheRoundsBesideTheReductionAreTold) {
  EXPECT_TRUE(std::holds_alternative<model::DescribePiece>(tasks().at(4).task.piece));
  const auto merge = std::get<model::MergePiece>(tasks().at(5).task.piece);
  EXPECT_EQ(merge.descriptor, 2U);
  EXPECT_EQ(merge.bytes, ~std::uint64_t{0});
  EXPECT_EQ(merge.levels, (std::vector<std::uint8_t>{0, 7, 255}));
}

TEST(KernelCodec, APartialKeepsStatesAndCountsOfEachKernel) {
  const model::Partial read = partial();
  ASSERT_EQ(read.kernels.size(), 2U);
  EXPECT_EQ(read.kernels[0].counts, (model::ElementCounts{3, 2, 1, 0}));
  EXPECT_EQ(read.kernels[0].state.size(), 77U);
  EXPECT_EQ(read.kernels[0].state[76], std::byte{76 * 7 % 256});
  EXPECT_TRUE(read.kernels[1].state.empty());
}

TEST(KernelCodec, EveryKindOfOutputArrivesAsItLeft) {
  const model::Partial read = partial();
  ASSERT_EQ(read.outputs.size(), 2U);
  ASSERT_EQ(read.outputs[0].size(), 5U);
  EXPECT_EQ(read.outputs[0][0].label, "all");
  EXPECT_EQ(output<Int128>(read, 0), Int128{-1} << 100);
  EXPECT_EQ(std::bit_cast<std::uint64_t>(output<double>(read, 1)),
            std::uint64_t{1} << 63);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(output<float>(read, 2)), 0x7fc12345U);
  EXPECT_EQ(output<std::string>(read, 3), "a \xff b");
  EXPECT_EQ(output<Error>(read, 4), Error(Errc::NoValue, "mean of nothing"));
  EXPECT_TRUE(read.outputs[1].empty());
}

TEST(KernelCodec, WhatAKernelSaysOfItselfArrivesWhole) {
  const model::Partial read = partial();
  ASSERT_EQ(read.described.size(), 2U);
  ASSERT_EQ(read.described[0].size(), 2U);
  const model::KernelInfo& info = read.described[0][0];
  EXPECT_EQ(info.name, "logsum");
  EXPECT_EQ(info.types, ~std::uint64_t{0});
  EXPECT_EQ(info.columns, 2U);
  EXPECT_TRUE(info.exact);
  EXPECT_TRUE(info.sync);
  EXPECT_EQ(info.state_bytes, std::uint64_t{1} << 40);
  ASSERT_EQ(info.parameters.size(), 3U);
  EXPECT_EQ(info.parameters[0].default_value, "2");
  // An empty default is one; none is none.
  EXPECT_EQ(info.parameters[1].default_value, "");
  EXPECT_EQ(info.parameters[2].default_value, std::nullopt);
}

TEST(KernelCodec, ListedKernelsKeepTheirFileAndWhereTheyMayRun) {
  const model::ListedKernel listed{{}, "libwords.so", {std::byte{7}}, true};
  const Result<model::Reply> reply =
      read_reply(reply_body(std::vector<model::ListedKernel>{listed}));
  ASSERT_TRUE(reply);
  const auto& read = std::get<std::vector<model::ListedKernel>>(*reply);
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].file, "libwords.so");
  EXPECT_EQ(read[0].hash, listed.hash);
  EXPECT_TRUE(read[0].in_process);
}

// Gives the one task of a message whose image has a hash of so many bytes.
Result<WorkerMessage> with_a_hash_of(unsigned bytes) {
  MessageScratch scratch;
  auto task = scratch.builder().initRoot<schema::WorkerMessage>().initAssign(1)[0];
  task.setType(static_cast<std::uint8_t>(model::ElementType::F64));
  task.initColumns(1);
  task.initPiece().setDescribe();
  task.initImages(1)[0].initHash(bytes);
  Bytes out;
  EXPECT_TRUE(append_frame(out, {FrameKind::Worker, 0, 0, 0}, scratch.builder(),
                           kMaxReplyBytes));
  return read_worker_message(body_of(out));
}

TEST(KernelCodec, AHashOfAnotherSizeIsRefused) {
  EXPECT_TRUE(with_a_hash_of(32));
  for (const unsigned bytes : {0U, 31U, 33U, 4096U}) {
    const Result<WorkerMessage> read = with_a_hash_of(bytes);
    ASSERT_FALSE(read) << bytes;
    EXPECT_EQ(read.error().code(), "bad_hash");
  }
}

}  // namespace
}  // namespace tally::ipc

#include "runtime/job/kernel_loss.h"

#include <gtest/gtest.h>

#include <string>

namespace tally::job {
namespace {

Error killed() {
  return Error(Errc::WorkerLost, "killed_by_signal", "SIGSEGV at address 0x8")
      .with("signal", std::int64_t{11})
      .with("evidence", std::string("wait status"));
}

const KernelNames kNames{"fragile", "libfragile.so", "day.txt"};

exec::KernelPlace in_update(std::uint64_t first_row, std::uint64_t rows) {
  exec::KernelPlace place;
  place.call = exec::KernelCall::Update;
  place.first_row = first_row;
  place.rows = rows;
  return place;
}

TEST(KernelLoss, NamesKernelFileRowsAndCause) {
  const Error error = kernel_lost(killed(), in_update(8192, 8192), kNames);
  EXPECT_EQ(error.errc(), Errc::WorkerLost);
  EXPECT_EQ(error.code(), "kernel_crashed");
  EXPECT_EQ(error.message(),
            "kernel 'fragile' (libfragile.so) crashed in update, with rows 8192 to "
            "16383 of day.txt: SIGSEGV at address 0x8");
  EXPECT_EQ(*error.field("kernel"), Error::FieldValue("fragile"));
  EXPECT_EQ(*error.field("image"), Error::FieldValue("libfragile.so"));
  EXPECT_EQ(*error.field("call"), Error::FieldValue("update"));
  EXPECT_EQ(*error.field("file"), Error::FieldValue("day.txt"));
  EXPECT_EQ(*error.field("first_row"), Error::FieldValue(std::int64_t{8192}));
  EXPECT_EQ(*error.field("rows"), Error::FieldValue(std::int64_t{8192}));
  EXPECT_EQ(error.field("output"), nullptr);
}

TEST(KernelLoss, KeepsTheFactsOfTheCause) {
  const Error error = kernel_lost(killed(), in_update(0, 1), kNames);
  EXPECT_EQ(*error.field("signal"), Error::FieldValue(std::int64_t{11}));
  EXPECT_EQ(*error.field("evidence"), Error::FieldValue("wait status"));
}

TEST(KernelLoss, OneRowIsNamedAsOne) {
  const std::string message =
      kernel_lost(killed(), in_update(5461, 1), kNames).message();
  EXPECT_NE(message.find("in update, with row 5461 of day.txt:"), std::string::npos);
}

TEST(KernelLoss, AnInputWithoutFilesHasRowsOnly) {
  const Error error =
      kernel_lost(killed(), in_update(0, 10), {"fragile", "libfragile.so", ""});
  EXPECT_NE(error.message().find("with rows 0 to 9:"), std::string::npos);
  EXPECT_EQ(error.field("file"), nullptr);
}

TEST(KernelLoss, OtherCallsHaveNoRows) {
  exec::KernelPlace place;
  place.call = exec::KernelCall::Merge;
  place.rows = 77;
  const Error error = kernel_lost(killed(), place, kNames);
  EXPECT_NE(error.message().find("crashed in merge: SIGSEGV"), std::string::npos);
  EXPECT_EQ(error.field("rows"), nullptr);
  EXPECT_EQ(error.field("file"), nullptr);
}

TEST(KernelLoss, WhereAnImageIsLoadedThereIsNoKernelYet) {
  exec::KernelPlace place;
  place.call = exec::KernelCall::Load;
  const Error error = kernel_lost(killed(), place, {"", "libfragile.so", ""});
  EXPECT_NE(error.message().find("the kernels of libfragile.so crashed in load"),
            std::string::npos);
  EXPECT_EQ(error.field("kernel"), nullptr);
}

TEST(KernelLoss, AStallHasItsOwnCode) {
  const Error error = kernel_lost(Error(Errc::WorkerLost, "kernel_stalled", "5 min"),
                                  in_update(0, 10), kNames);
  EXPECT_EQ(error.code(), "kernel_stalled");
  EXPECT_NE(error.message().find("went on for too long in update"), std::string::npos);
}

TEST(KernelLoss, ShowsTheLastLineItWroteAndKeepsAll) {
  exec::KernelPlace place = in_update(0, 10);
  place.output = "first\nbad record 7\n\n";
  const Error error = kernel_lost(killed(), place, kNames);
  EXPECT_TRUE(error.message().ends_with("; it had written: bad record 7"));
  EXPECT_EQ(*error.field("output"), Error::FieldValue(place.output));
  place.output = std::string(4000, 'x');
  EXPECT_LT(kernel_lost(killed(), place, kNames).message().size(), 600U);
}

}  // namespace
}  // namespace tally::job

// What kernels do wrong, and how it is told. The images: tests/kernels/faulty.cc.
#include <sys/resource.h>
#include <csignal>

#include <array>
#include <cfenv>

#include "kernel_fixture.h"
#include "runtime/kernel/call_names.h"

namespace tally::kernels {
namespace {

class Faults : public KernelTest {
 protected:
  // 10,000 elements, of which number 9,000 is 13: it is in the second block.
  Faults() : data_(memory_file_of(values())) {}
  static std::vector<double> values() {
    std::vector<double> values(10'000, 1);
    values[9000] = 13;
    return values;
  }
  model::ChunkTask faulty(const std::string& kernel) {
    model::ChunkTask task = task_of("faulty", kernel);
    task.piece = pieces_of(model::FileFormat::Raw, 0, 10'000);
    return task;
  }
  Error error(const std::string& kernel) {
    return error_of(faulty(kernel), {data_.get()});
  }

  const UniqueFd data_;
};

TEST_F(Faults, AreToldWithKernelFileAndRows) {
  const Error told = error("throws");
  EXPECT_EQ(told.code(), "kernel_threw");
  EXPECT_EQ(told.message(),
            "kernel 'throws' (faulty.so): in update, with rows 8192 to 9999 of data: "
            "it threw: "
            "thirteen");
  EXPECT_EQ(std::get<std::string>(*told.field("kernel")), "throws");
  EXPECT_EQ(std::get<std::string>(*told.field("image")), "faulty.so");
  EXPECT_EQ(std::get<std::string>(*told.field("call")), "update");
  EXPECT_EQ(std::get<std::string>(*told.field("file")), "data");
  EXPECT_EQ(std::get<std::int64_t>(*told.field("first_row")), 8192);
  EXPECT_EQ(std::get<std::int64_t>(*told.field("rows")), 1808);
  EXPECT_EQ(page_.call.load(), exec::KernelCall::None);
}

TEST_F(Faults, HaveCodesOfTheirOwn) {
  const std::array<std::array<const char*, 4>, 21> cases{{
      {"throws_int", "kernel_threw", "update", "no std::exception"},
      {"no_memory", "kernel_memory", "update", "memory ran out"},
      {"fails", "kernel_failed", "update", "thirteen is\\x0anot wanted"},
      {"fails_silently", "kernel_failed", "update", "it returned 7"},
      {"fails_and_denies", "kernel_failed", "update", "thirteen"},
      {"overruns", "kernel_overran_state", "update", "asked 8 bytes"},
      {"underruns", "kernel_overran_state", "update", "outside of its state"},
      {"emits_early", "kernel_misused", "update", "only finish"},
      {"writes_early", "kernel_misused", "update", "outside of serialize"},
      {"init_fails", "kernel_failed", "init", "no state today"},
      {"init_throws", "kernel_threw", "init", "no state today"},
      {"finish_silent", "kernel_misused", "finish", "no result"},
      {"finish_two_unnamed", "kernel_misused", "finish", "needs a label"},
      {"finish_same_label", "kernel_misused", "finish", "twice"},
      {"finish_bad_label", "kernel_misused", "finish", "label"},
      {"finish_bad_text", "kernel_misused", "finish", "no UTF-8"},
      {"finish_long_text", "kernel_misused", "finish", "65537 bytes"},
      {"finish_many", "kernel_misused", "finish", "more than 64"},
      {"serialize_endless", "kernel_misused", "serialize", "more than 8 MiB"},
      {"parameters", "bad_argument", "", "needed must be given"},
      {"nobody", "no_kernel", "", "no kernel called nobody"},
  }};
  for (const auto& [kernel, code, call, words] : cases) {
    const Error told = error(kernel);
    EXPECT_EQ(told.code(), code) << kernel;
    EXPECT_NE(told.message().find(words), std::string::npos) << told.message();
    if (*call != 0) {
      EXPECT_EQ(std::get<std::string>(*told.field("call")), call) << kernel;
    }
  }
}

TEST_F(Faults, InTheSourceOfAMergeAreSeen) {
  model::ChunkTask task = task_of("faulty", "merge_overruns_source");
  task.type = model::ElementType::I64;
  task.piece = model::RangePiece{20, 1, 0, 70'000};
  const Error told = error_of(task);
  EXPECT_EQ(told.code(), "kernel_overran_state");
  EXPECT_EQ(std::get<std::string>(*told.field("call")), "merge");
}

TEST_F(Faults, InDeserialiseAreToldByTheMerge) {
  model::ChunkTask task = faulty("deserialize_refuses");
  const std::vector<std::uint64_t> states{8, 0};
  const UniqueFd file = memory_file_of(states);
  task.piece = model::MergePiece{1, 16, {0}};
  const Error told = error_of(task, {file.get()});
  EXPECT_EQ(told.code(), "kernel_failed");
  EXPECT_EQ(std::get<std::string>(*told.field("call")), "deserialize");
}

TEST_F(Faults, LeaveTheRoundingModeAsItWas) {
  const int before = std::fegetround();
  partial_of(faulty("leaves_rounding"), {data_.get()});
  EXPECT_EQ(std::fegetround(), before);
  // A sum that would round up or lose a denormal shows it as well.
  volatile double tiny = 5e-324;
  EXPECT_NE(tiny + 0.0, 0.0);
}

TEST_F(Faults, GiveResultsOfEveryKind) {
  const model::Partial partial = partial_of(faulty("finish_all_kinds"), {data_.get()});
  const std::vector<model::KernelOutput>& all = partial.outputs[0];
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(to_string(std::get<Int128>(all[0].value)), "-3");
  EXPECT_EQ(to_string(std::get<Int128>(all[1].value)), "18446744073709551616");
  EXPECT_EQ(std::get<double>(all[2].value), 0.1);
  EXPECT_EQ(std::get<float>(all[3].value), 0.1F);
  EXPECT_EQ(std::get<std::string>(all[4].value), "caf\xC3\xA9");
  EXPECT_EQ(std::get<Error>(all[5].value).errc(), Errc::NoValue);
  EXPECT_EQ(std::get<Error>(all[5].value).message(), "there is none");
  EXPECT_EQ(all[3].label, "f32");
}

TEST_F(Faults, OfParametersAreAskedForByName) {
  model::ChunkTask task = faulty("parameters");
  task.kernels[0].arguments = {{"needed", "yes"}};
  EXPECT_EQ(text_of(task, {data_.get()}), "2 yes NULL");
  task.kernels[0].arguments.push_back({"other", "1"});
  EXPECT_EQ(error_of(task, {data_.get()}).code(), "bad_argument");
}

TEST_F(Faults, AKernelHearsThatNobodyWantsTheChunk) {
  model::ChunkTask task = faulty("finish_cancelled");
  EXPECT_EQ(
      to_string(std::get<Int128>(partial_of(task, {data_.get()}).outputs[0][0].value)),
      "0");
}

// What kills a process is tried in one of its own.
using DeadlyFaults = Faults;

TEST_F(DeadlyFaults, WritingToTheInputIsASegmentationFault) {
  GTEST_FLAG_SET(death_test_style, "fast");
#ifdef TALLY_SANITIZED
  GTEST_SKIP() << "sanitizers catch the signal";
#endif
  EXPECT_EXIT((void)run(faulty("writes_input"), {data_.get()}),
              ::testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(DeadlyFaults, ThePageTellsADeathsCall) {
#ifdef TALLY_SANITIZED
  GTEST_SKIP() << "sanitizers catch the signal";
#endif
  void* shared = ::mmap(nullptr, sizeof(exec::ChunkPage), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  auto* page = new (shared) exec::ChunkPage;
  exec::ChunkRunner runner(*page, source::open_reader, {.images = &images_});
  const UniqueFd image = open_test_kernel("faulty");
  const std::array<int, 2> descriptors{image.get(), data_.get()};
  EXPECT_EXIT((void)runner.run(faulty("crashes"), descriptors),
              ::testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EQ(name_of(page->call.load()), "update");
  EXPECT_EQ(page->kernel.load(), 0U);
  EXPECT_EQ(page->first_row.load(), 8192U);
  EXPECT_EQ(page->rows.load(), 1808U);
  ::munmap(shared, sizeof(exec::ChunkPage));
}

TEST_F(DeadlyFaults, ALeakMeetsItsLimit) {
#ifdef TALLY_SANITIZED
  GTEST_SKIP() << "sanitizers have memory of their own";
#endif
  rlimit before{};
  ::getrlimit(RLIMIT_DATA, &before);
  exec::ChunkRunner runner(page_, source::open_reader,
                           {.images = &images_, .limit_memory = true});
  model::ChunkTask task = faulty("leaks");
  task.kernel_memory_bytes = 256U << 20U;
  const UniqueFd image = open_test_kernel("faulty");
  const std::array<int, 2> descriptors{image.get(), data_.get()};
  const model::ChunkOutcome outcome = runner.run(task, descriptors);
  ASSERT_TRUE(std::holds_alternative<Error>(outcome.result));
  EXPECT_EQ(std::get<Error>(outcome.result).code(), "kernel_memory");
  rlimit after{};
  ::getrlimit(RLIMIT_DATA, &after);
  EXPECT_EQ(after.rlim_cur, before.rlim_cur);
}

}  // namespace
}  // namespace tally::kernels

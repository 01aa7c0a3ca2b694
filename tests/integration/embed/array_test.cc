// Arrays without a copy, reduced by an embedded core where they lie.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <numeric>
#include <thread>
#include <vector>

#include "tests/integration/embed/core.h"

namespace tally {
namespace {

using Samples = std::vector<double, ArrayAllocator<double>>;

class Arrays : public testing::Test {
 protected:
  template <typename T>
  std::string sum(const SharedArray<T>& array, tally_path path = TALLY_PATH_ANY) {
    Job job;
    job.add("sum").array(array).path(path);
    return text(client_.run(job));
  }

  Embedded core_ = core();
  Client client_ = core_.connect().value();
};

TEST_F(Arrays, AreReducedByAnyNumberOfJobsOnEveryPath) {
  Array<std::int64_t> array = Array<std::int64_t>::create(1'000'000).value();
  std::iota(array.data().begin(), array.data().end(), 0);
  const std::int64_t* const address = array.data().data();
  const SharedArray<std::int64_t> shared = std::move(array).share().value();
  EXPECT_EQ(shared.data().data(), address) << "pointers into it stay good";
  EXPECT_EQ(shared.data()[999'999], 999'999);
  for (const tally_path path : {TALLY_PATH_ANY, TALLY_PATH_THREAD, TALLY_PATH_PROCESS})
    EXPECT_EQ(sum(shared, path), "499999500000");
}

TEST_F(Arrays, OfNoElementsAreArrays) {
  const SharedArray<double> shared = Array<double>::create(0).value().share().value();
  EXPECT_TRUE(shared.data().empty());
  Job job;
  job.add("count").add("sum").array(shared);
  const Answer answer = client_.run(job).value();
  EXPECT_EQ(answer[0].text(), std::string("0"));
  EXPECT_EQ(answer[1].text(), std::string("0.0"));
  EXPECT_EQ(sum(SharedArray<std::uint8_t>::copy({}).value()), "0");
}

TEST_F(Arrays, OfWhichTwoArePairedHaveADotProduct) {
  std::vector<double> values(200'000, 1e200);
  values[7] = 3;
  const auto left = SharedArray<double>::copy(values).value();
  values.assign(values.size(), 1e-300);
  const auto right = SharedArray<double>::copy(values).value();
  Job job;
  job.add("dot").add("count").array(left).paired(right);
  const Answer answer = client_.run(job).value();
  EXPECT_EQ(answer[0].text(), std::string("1.99999e-95"));
  EXPECT_EQ(answer[1].text(), std::string("200000"));
  Job third;
  third.add("dot").array(left).paired(right).paired(right);
  ASSERT_TRUE(third.error());
  EXPECT_EQ(std::string(third.error()->code()), "dot_arrays");
  const std::vector<double> few(7);
  Job unequal;
  unequal.add("dot").array(left).paired(SharedArray<double>::copy(few).value());
  const Expected<Answer> refused = client_.run(unequal);
  ASSERT_FALSE(refused);
  EXPECT_EQ(std::string(refused.error().code()), "different_lengths");
  const auto with = [&](const char* reducer, const auto& other) {
    Job one;
    one.add(reducer).array(left).paired(other);
    const Expected<Answer> done = client_.run(one);
    return done ? std::string((*done)[0].text()) : std::string(done.error().code());
  };
  EXPECT_EQ(with("dot", left), "Infinity");  // itself: 1e200 squared, so many times
  EXPECT_EQ(with("sum", right), "not_with_dot");
  const std::vector<float> floats(values.size());
  EXPECT_EQ(with("dot", SharedArray<float>::copy(floats).value()), "mixed_types");
  Job alone;
  alone.add("dot").array(left);
  EXPECT_EQ(std::string(client_.run(alone).error().code()), "dot_arrays");
}

TEST_F(Arrays, CanNeverBeWrittenOnceTheyAreShared) {
  tally_array* array = nullptr;
  ASSERT_EQ(tally_array_create(TALLY_TYPE_U8, 10'000, &array, nullptr), TALLY_OK);
  auto* const data = static_cast<unsigned char*>(tally_array_data(array));
  data[7] = 7;
  tally_error* error = nullptr;
  tally_job* job = nullptr;
  ASSERT_EQ(tally_job_new(&job, nullptr), TALLY_OK);
  EXPECT_EQ(tally_job_set_array(job, array, &error), TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_error_code(error), "not_shared");
  tally_error_free(error);
  ASSERT_EQ(tally_array_share(array, nullptr), TALLY_OK);
  EXPECT_EQ(tally_array_share(array, nullptr), TALLY_OK) << "again: nothing happens";
  EXPECT_EQ(tally_array_data(array), nullptr);
  EXPECT_EQ(tally_array_view(array), data);
  EXPECT_EQ(data[7], 7);
  EXPECT_NE(::pwrite(tally_array_fd(array), "x", 1, 0), 1);
  EXPECT_NE(::ftruncate(tally_array_fd(array), 0), 0);
  EXPECT_EQ(::mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, tally_array_fd(array), 0),
            MAP_FAILED);
  EXPECT_EQ(tally_array_write(array, 0, "x", 1, &error), TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_error_code(error), "already_shared");
  tally_error_free(error);
  EXPECT_EQ(tally_job_set_array(job, array, nullptr), TALLY_OK);
  tally_array_free(array);  // the job has it by itself
  EXPECT_EQ(tally_job_add_reducer(job, "sum", nullptr, nullptr, nullptr), TALLY_OK);
  tally_answer* answer = nullptr;
  ASSERT_EQ(tally_run(client_.get(), job, &answer, nullptr), TALLY_OK);
  EXPECT_STREQ(tally_result_text(tally_answer_result(answer, 0)), "7");
  tally_answer_free(answer);
  tally_job_free(job);
}

// Who else has it mapped for writing is a forked child.
TEST_F(Arrays, InUseElsewhereStayWritableAndLoseNothing) {
  Array<std::int32_t> array = Array<std::int32_t>::create(100'000).value();
  array.data()[0] = 1;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = 0;
    ::close(ends[1]);
    (void)!::read(ends[0], &byte, 1);
    array.data()[2] = 4;  // the map is shared: a child may write as well
    ::_exit(0);
  }
  const Expected<SharedArray<std::int32_t>> refused = std::move(array).share();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status(), TALLY_OVERLOADED);
  EXPECT_EQ(std::string(refused.error().code()), "array_in_use");
  array.data()[1] = 2;
  ::close(ends[0]);
  ::close(ends[1]);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(sum(std::move(array).share().value()), "7");
}

TEST_F(Arrays, CopiesAreShownInTheReport) {
  const std::vector<float> values(300'000, 0.5F);
  const SharedArray<float> shared = SharedArray<float>::copy(values).value();
  Job job;
  job.add("sum").array(shared);
  const Answer answer = client_.run(job).value();
  EXPECT_EQ(answer[0].text(), std::string("150000.0"));
  tally_copy copy{};
  copy.struct_size = sizeof copy;
  ASSERT_EQ(tally_answer_copy(answer.get(), &copy, nullptr), TALLY_OK);
  EXPECT_EQ(copy.bytes, values.size() * sizeof(float));
  EXPECT_GT(copy.ns, 0U);
  EXPECT_NE(std::string(answer.json()).find(R"("copy": {"bytes": 1200000, "ns": )"),
            std::string::npos);

  job.range(0, 10);  // another source: nothing was copied for it
  const Answer other = client_.run(job).value();
  ASSERT_EQ(tally_answer_copy(other.get(), &copy, nullptr), TALLY_OK);
  EXPECT_EQ(copy.bytes, 0U);
  EXPECT_EQ(std::string(other.json()).find("\"copy\""), std::string::npos);
}

TEST_F(Arrays, AreWrittenBySeveralThreadsAtOnce) {
  constexpr std::size_t kCount = 1'000'000;
  std::vector<std::uint32_t> values(kCount);
  std::iota(values.begin(), values.end(), 0U);
  Array<std::uint32_t> array = Array<std::uint32_t>::create(kCount).value();
  std::vector<std::thread> threads;
  constexpr std::size_t kPart = kCount / 4;
  for (std::size_t first = 0; first < kCount; first += kPart)
    threads.emplace_back([&, first] {
      EXPECT_TRUE(array.write(first, std::span(values).subspan(first, kPart)));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(array.data()[kCount - 1], kCount - 1);
  EXPECT_EQ(std::string(array.write(kCount, std::span(values).first(1)).error().code()),
            "out_of_range");
  Job job;
  job.add("sum").array(std::move(array).share().value());
  const Answer answer = client_.run(job).value();
  EXPECT_EQ(answer[0].text(), std::string("499999500000"));
  tally_copy copy{};
  copy.struct_size = sizeof copy;
  ASSERT_EQ(tally_answer_copy(answer.get(), &copy, nullptr), TALLY_OK);
  EXPECT_EQ(copy.bytes, kCount * sizeof(std::uint32_t));
}

TEST_F(Arrays, AVectorsStorageIsGivenAway) {
  Samples samples;
  for (int i = 0; i < 100'000; ++i) samples.push_back(0.25);  // grows; some is spare
  const double* const address = samples.data();
  const Expected<SharedArray<double>> shared = share(std::move(samples));
  ASSERT_TRUE(shared) << shared.error().what();
  EXPECT_EQ(shared->data().data(), address);
  EXPECT_EQ(shared->data().size(), 100'000U);
  for (const tally_path path : {TALLY_PATH_THREAD, TALLY_PATH_PROCESS})
    EXPECT_EQ(sum(*shared, path), "25000.0");
  EXPECT_EQ(sum(share(Samples()).value()), "0.0");
  Samples none;
  none.reserve(10);
  EXPECT_EQ(sum(share(std::move(none)).value()), "0.0");
}

TEST_F(Arrays, HugePagesAreUsedWhereTheSystemHasThem) {
  const Array<double> small = Array<double>::create(1000).value();
  const Array<double> large = Array<double>::create(1'000'000).value();
  large.data()[999'999] = 1;
  const SharedArray<double> shared =
      SharedArray<double>::make(1'000'000, [](std::span<double> to) {
        to[0] = 2;
      }).value();
  EXPECT_GE(shared.huge_pages(), TALLY_HUGE_PAGES_NONE);
  EXPECT_LE(shared.huge_pages(), TALLY_HUGE_PAGES_RESERVED);
  EXPECT_EQ(sum(shared, TALLY_PATH_PROCESS), "2.0");
  EXPECT_EQ(sum(SharedArray<double>::copy(shared.data()).value()), "2.0");
}

TEST_F(Arrays, RefuseWhatCannotBe) {
  tally_array* array = nullptr;
  tally_error* error = nullptr;
  EXPECT_EQ(tally_array_create(11, 1, &array, &error), TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_error_code(error), "bad_enum");
  tally_error_free(error);
  EXPECT_EQ(tally_array_create(TALLY_TYPE_F64, UINT64_MAX / 8, &array, &error),
            TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_error_code(error), "too_large");
  tally_error_free(error);
  EXPECT_EQ(tally_array_create(TALLY_TYPE_F64, std::uint64_t{1} << 59, &array, &error),
            TALLY_IO)
      << "more than there are addresses";
  tally_error_free(error);
  EXPECT_EQ(tally_array_copy(TALLY_TYPE_F64, nullptr, 1, &array, nullptr),
            TALLY_INVALID_ARGUMENT);
  EXPECT_EQ(tally_array_create(TALLY_TYPE_F64, 1, nullptr, nullptr),
            TALLY_INVALID_ARGUMENT);
  EXPECT_EQ(tally_array_share(nullptr, nullptr), TALLY_INVALID_ARGUMENT);
  EXPECT_EQ(array, nullptr);
  tally_array_free(nullptr);
  EXPECT_EQ(tally_array_fd(nullptr), -1);
  EXPECT_THROW((void)ArrayAllocator<double>().allocate(SIZE_MAX / 8), std::bad_alloc);
}

}  // namespace
}  // namespace tally

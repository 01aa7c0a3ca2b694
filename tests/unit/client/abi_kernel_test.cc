// The C ABI with kernels: files that are added, what is sent of them, texts that come
// back, several results of a reducer.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

#include "tests/unit/client/listener.h"

namespace tally {
namespace {

const std::string kKernel = std::string(TALLY_TEST_KERNELS_DIR) + "/geomean.so";

class AbiKernel : public testing::Test {
 protected:
  AbiKernel() { EXPECT_EQ(tally_job_new(&job_, nullptr), TALLY_OK); }
  ~AbiKernel() override { tally_job_free(job_); }

  // The code of the error that adding `path` gives; "" if there is none.
  std::string add(const char* path) {
    tally_error* error = nullptr;
    if (tally_job_add_kernel(job_, path, &error) == TALLY_OK) return "";
    std::string code = tally_error_code(error);
    tally_error_free(error);
    return code;
  }

  tally_job* job_ = nullptr;
};

TEST_F(AbiKernel, WhatIsNoKernelFileIsRefusedWhenItIsAdded) {
  EXPECT_EQ(add(nullptr), "null_argument");
  EXPECT_EQ(add("/nonexistent/k.so"), "no_such_kernel_file");
  EXPECT_EQ(add("/dev/null"), "not_a_kernel");
  EXPECT_EQ(add("/"), "not_a_kernel");
  const std::string fifo = testing::TempDir() + "tally-abi-kernel.fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(add(fifo.c_str()), "not_a_kernel") << "and nobody waits for a writer";
  std::filesystem::remove(fifo);
  EXPECT_NE(tally_job_add_kernel(nullptr, kKernel.c_str(), nullptr), TALLY_OK);
}

TEST_F(AbiKernel, AJobTakesSixteenFiles) {
  for (int i = 0; i < 16; ++i) EXPECT_EQ(add(kKernel.c_str()), "");
  EXPECT_EQ(add(kKernel.c_str()), "too_many_kernels");
}

TEST(AbiKernels, NamesOfFilesTravelAndTextsComeBackOfOneReducer) {
  std::optional<model::JobSpec> sent;
  const Listener daemon(Answerer([&](const model::Request& request) {
    if (const auto* submit = std::get_if<model::Submit>(&request)) sent = submit->spec;
    model::JobAnswer answer;
    answer.state = model::JobState::Done;
    answer.results.push_back(
        {"w.most", "words", {}, "", std::string("k\xC3\xA4se"), {}});
    answer.results.push_back({"w.times", "words", {}, "", Int128{3}, {}});
    answer.results.push_back(
        {"w.none", "words", {}, "", {}, Error(Errc::NoValue, "no_value", "no words")});
    return model::Reply(answer);
  }));
  tally_client* client = connect(daemon);
  tally_job* job = range_job();
  ASSERT_EQ(tally_job_add_kernel(job, kKernel.c_str(), nullptr), TALLY_OK);
  Outcome outcome;
  outcome.status = tally_run(client, job, &outcome.answer, &outcome.error);
  tally_job_free(job);
  tally_client_free(client);
  ASSERT_EQ(outcome.status, TALLY_OK);
  ASSERT_EQ(tally_answer_result_count(outcome.answer), 3U) << "more than reducers";
  const tally_result* text = tally_answer_result(outcome.answer, 0);
  EXPECT_EQ(tally_result_kind(text), TALLY_KIND_TEXT);
  EXPECT_STREQ(tally_result_text(text), "k\xC3\xA4se");
  EXPECT_STREQ(tally_result_label(text), "w.most");
  double number = 0;
  EXPECT_EQ(tally_result_f64(text, &number, nullptr), TALLY_INVALID_ARGUMENT);
  EXPECT_STREQ(tally_result_text(tally_answer_result(outcome.answer, 1)), "3");
  const tally_error* why = tally_result_error(tally_answer_result(outcome.answer, 2));
  EXPECT_STREQ(tally_error_message(why), "no words");
  ASSERT_TRUE(sent);
  ASSERT_EQ(sent->kernels.size(), 1U);
  EXPECT_EQ(sent->kernels[0].name, "geomean.so") << "no path of the client's";
}

}  // namespace
}  // namespace tally

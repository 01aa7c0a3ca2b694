// kernel_bench SOCKET KERNEL ELEMENTS JOBS: kernels through the C ABI of clients.
//
//   builtin  `sum` of a shared array of ELEMENTS f64, on the process path
//   kernel   `plainsum` of KERNEL over the same array
//   loop     the same additions as plainsum's, in this process, two threads
//   jobs     JOBS jobs of one element with `plainsum`, 256 in flight on one connection
//   job      one of them, waited for
#include <array>
#include <deque>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <thread>

#include <tally/tally.h>

#include "tests/bench/steps.h"

namespace tally::bench {
namespace {

constexpr std::size_t kInFlight = 256;
constexpr std::size_t kLanes = 16;  // as plainsum has
constexpr std::size_t kThreads = 2;

void check(tally_status status, tally_error* error) {
  if (status == TALLY_OK) return;
  die(error == nullptr ? "failed" : tally_error_message(error));
}

using Job = std::unique_ptr<tally_job, decltype(&tally_job_free)>;

Job make_job(const char* reducer, const char* kernel) {
  tally_error* error = nullptr;
  tally_job* job = nullptr;
  check(tally_job_new(&job, &error), error);
  Job owned(job, tally_job_free);
  check(tally_job_add_reducer(job, reducer, nullptr, nullptr, &error), error);
  if (kernel != nullptr) check(tally_job_add_kernel(job, kernel, &error), error);
  check(tally_job_set_path(job, TALLY_PATH_PROCESS, &error), error);
  return owned;
}

// Ends the benchmark if the answer is not `expected`.
void take(tally_client* client, tally_ticket ticket, double expected) {
  tally_error* error = nullptr;
  tally_answer* answer = nullptr;
  check(tally_wait(client, ticket, &answer, &error), error);
  if (tally_answer_error(answer) != nullptr)
    die(tally_error_message(tally_answer_error(answer)));
  const tally_result* result = tally_answer_result(answer, 0);
  double value = 0;
  if (tally_result_kind(result) == TALLY_KIND_INT) {
    std::int64_t integer = 0;
    check(tally_result_int64(result, &integer, &error), error);
    value = static_cast<double>(integer);
  } else {
    check(tally_result_f64(result, &value, &error), error);
  }
  if (value != expected) die("a wrong result");
  tally_answer_free(answer);
}

double loop_sum(const double* values, std::size_t count) {
  std::array<double, kLanes> lanes{};
  for (std::size_t i = 0; i + kLanes <= count; i += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane];
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

class Bench {
 public:
  Bench(const char* socket, const char* kernel, std::size_t elements, std::size_t jobs)
      : kernel_(kernel), elements_(elements), jobs_(jobs) {
    tally_error* error = nullptr;
    tally_connect_options options{};
    options.struct_size = sizeof options;
    options.socket_path = socket;
    check(tally_connect(&options, &client_, &error), error);
    check(tally_array_create(TALLY_TYPE_F64, elements, &array_, &error), error);
    auto* values = static_cast<double*>(tally_array_data(array_));
    // Small integers, so that every order of additions gives the same sum.
    for (std::size_t i = 0; i < elements; ++i)
      values[i] = static_cast<double>(i % 1000);
    check(tally_array_share(array_, &error), error);
    values_ = values;
    for (std::size_t i = 0; i < elements; ++i)
      expected_ += static_cast<double>(i % 1000);
  }
  ~Bench() {
    tally_array_free(array_);
    tally_client_free(client_);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void step(const std::string& name) {
    if (name == "builtin") return sum_array("sum", nullptr);
    if (name == "kernel") return sum_array("plainsum", kernel_);
    if (name == "loop") return loop();
    if (name == "jobs") return many(jobs_);
    if (name == "job") return many(1);
    die("no such step: " + name);
  }

 private:
  void sum_array(const char* reducer, const char* kernel) {
    const Job job = make_job(reducer, kernel);
    tally_error* error = nullptr;
    check(tally_job_set_array(job.get(), array_, &error), error);
    take(client_, submit(job.get()), expected_);
  }

  void loop() const {
    std::array<double, kThreads> sums{};
    std::array<std::thread, kThreads> threads;
    const std::size_t part = elements_ / kThreads;
    for (std::size_t i = 0; i < kThreads; ++i)
      threads[i] =
          std::thread([&, i] { sums[i] = loop_sum(values_ + i * part, part); });
    for (std::thread& thread : threads) thread.join();
    if (sums[0] + sums[1] != expected_) die("a wrong sum");
  }

  void many(std::size_t jobs) {
    const Job job = make_job("plainsum", kernel_);
    std::deque<std::pair<tally_ticket, double>> asked;
    for (std::size_t i = 0; i < jobs; ++i) {
      if (asked.size() == kInFlight) take_first(asked);
      const auto element = static_cast<double>(++element_);
      tally_error* error = nullptr;
      check(tally_job_set_values(job.get(), TALLY_TYPE_F64, &element, 1, &error),
            error);
      asked.emplace_back(submit(job.get()), element);
    }
    while (!asked.empty()) take_first(asked);
  }

  void take_first(std::deque<std::pair<tally_ticket, double>>& asked) {
    take(client_, asked.front().first, asked.front().second);
    asked.pop_front();
  }

  tally_ticket submit(const tally_job* job) {
    tally_error* error = nullptr;
    tally_ticket ticket{};
    check(tally_submit(client_, job, &ticket, &error), error);
    return ticket;
  }

  const char* const kernel_;
  const std::size_t elements_;
  const std::size_t jobs_;
  tally_client* client_ = nullptr;
  tally_array* array_ = nullptr;
  const double* values_ = nullptr;
  double expected_ = 0;
  std::uint64_t element_ = 0;
};

}  // namespace
}  // namespace tally::bench

int main(int argc, char** argv) {
  using namespace tally::bench;
  if (argc != 5) die("usage: kernel_bench SOCKET KERNEL ELEMENTS JOBS");
  Bench bench(argv[1], argv[2], std::stoull(argv[3]), std::stoull(argv[4]));
  serve_steps(
      [&](const std::string& name) { return time_of([&] { bench.step(name); }); });
}

// Uses all of tally.hpp against a real daemon ($TALLY_SOCKET); says what is not so.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <future>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <tally/tally.hpp>

namespace {

int failures = 0;

void check(bool holds, const char* fact) {
  if (holds) return;
  std::printf("not so: %s\n", fact);
  ++failures;
}

bool is(const char* text, std::string_view expected) {
  return text == expected;
}

tally::Job sum_to(std::int64_t stop) {
  tally::Job job;
  job.add("sum").range(0, stop);
  return job;
}

void check_results(tally::Client& client) {
  tally::Job job;
  job.add("sum").add("mean", "", "average").add("argmax").add("count");
  job.values(std::vector<std::int32_t>{3, 9, -6}).hint(TALLY_HINT_CPU);
  const tally::Answer answer = client.run(job).value();
  check(answer.state() == TALLY_STATE_DONE, "the job is done");
  check(answer.size() == 4, "there is a result a reducer");
  check(answer[0].as<std::int64_t>().value() == 6, "an integer is one");
  check(answer[0].as<tally::Int128>().value().low == 6, "and has 128 bits");
  check(!answer[0].as<double>(), "and is no float");
  check(is(answer[0].as<double>().error().code(), "wrong_kind"), "which is said");
  check(answer[1].as<double>().value() == 2.0, "a float is one");
  check(is(answer[1].label(), "average"), "a label is kept");
  check(answer[2].index().value() == 1, "an index is one");
  check(answer.elements().seen == 3, "elements are counted");
  check(answer.times().total_ns > 0, "times are told");
  check(std::string_view(answer.json()).starts_with("{"), "there is JSON");
}

void check_empty_result(tally::Client& client) {
  tally::Job job;
  job.add("mean").values(std::span<const double>());
  const tally::Answer answer = client.run(job).value();
  check(!answer[0].has_value(), "nothing has no mean");
  check(answer[0].as<double>().error().status() == TALLY_NO_VALUE, "with a reason");
}

void check_kernel_files(tally::Client& client) {
  tally::Job job;
  job.add("geomean").range(0, 10).kernel("/nonexistent/libgeomean.so");
  const auto answer = client.run(job);
  check(!answer && is(answer.error().code(), "no_such_kernel_file"),
        "a kernel that is not there is told of");
}

void check_what_holds_values(tally::Client& client) {
  std::vector<double> vector{1, 2, 3.5};
  const std::array<double, 3> array{1, 2, 3.5};
  const double plain[] = {1, 2, 3.5};
  tally::Job job;
  job.add("sum");
  const auto is_summed = [&](const tally::Job& over) {
    return is(client.run(over).value()[0].text(), "6.5");
  };
  check(is_summed(job.values(vector)), "a vector holds values");
  check(is_summed(job.values(array)), "so does an array");
  check(is_summed(job.values(plain)), "and one of C's");
  check(is_summed(job.values(std::span(vector))), "and a span that may be written to");
  check(is_summed(job.values({1.0, 2.0, 3.5})), "and a list");
}

void check_errors(tally::Client& client) {
  tally::Job bad;
  bad.add("sum").range(0, 1, 0).file("/nowhere");
  check(bad.error() && is(bad.error()->code(), "bad_range"), "the first step's error");
  check(is(client.run(bad).error().code(), "bad_range"), "is what run gives");
  try {
    (void)client.run(bad).value();
    check(false, "value() throws");
  } catch (const std::exception& error) {
    check(std::strlen(error.what()) > 0, "errors are std::exceptions");
  }
  tally::Job unknown;
  unknown.add("no_such_reducer").range(0, 1);
  const tally::Expected<tally::Answer> refused = client.run(unknown);
  check(!refused && refused.error().status() == TALLY_INVALID_ARGUMENT, "refusals");
  const tally::Error copy = refused.error();
  check(!copy.json().empty(), "errors can be copied and have JSON");
  check(is(tally::Client::connect({.socket_path = "/nowhere.sock"}).error().code(),
           "no_daemon"),
        "nobody serves there");
}

void check_shared_array(tally::Client& client) {
  auto array =
      tally::SharedArray<std::uint16_t>::make(100'000, [](std::span<std::uint16_t> to) {
        for (std::size_t i = 0; i < to.size(); ++i)
          to[i] = static_cast<std::uint16_t>(i % 1000);
      });
  check(array.has_value(), "an array can be shared");
  check(array->data()[1999] == 999, "and read afterwards");
  check(::pwrite(array->fd(), "x", 1, 0) < 0, "but not written");
  check(::ftruncate(array->fd(), 0) != 0, "nor cut");
  tally::Job job;
  job.add("sum").add("max").array(*array);
  array = tally::Error(TALLY_OK, "", "");  // the job holds it by itself
  const tally::Answer answer = client.run(job).value();
  check(answer[0].as<std::int64_t>().value() == 49'950'000, "its sum");
  check(answer[1].as<std::int64_t>().value() == 999, "its maximum");
}

void check_pipeline(tally::Client client) {
  std::vector<tally::Ticket> tickets;
  for (std::int64_t n = 0; n < 500; ++n)
    tickets.push_back(client.submit(sum_to(n)).value());
  tally::Client moved = std::move(client);
  bool all = true;
  for (std::int64_t n = 500; n-- > 0;)
    all = all && moved.wait(tickets[static_cast<std::size_t>(n)])
                         .value()[0]
                         .as<std::int64_t>()
                         .value() == n * (n - 1) / 2;
  check(all, "many jobs in flight get each its answer");
  check(!moved.ready(), "and none is left");
  check(is(moved.wait(tickets[0]).error().code(), "unknown_ticket"), "good for once");
}

void check_cancel(tally::Client& client) {
  const tally::Ticket ticket =
      client.submit(sum_to(INT64_MAX).hint(TALLY_HINT_CPU), [](const auto&) {}).value();
  check(client.cancel(ticket).has_value(), "a job can be cancelled");
  const tally::Expected<tally::Answer> answer = client.wait(ticket);
  check(!answer && answer.error().status() == TALLY_CANCELLED, "and then is");
  check(tally_answer_state(answer.error().answer()) == TALLY_STATE_CANCELLED,
        "the error has the job's answer");
}

void check_interrupt() {
  tally::Client client = tally::Client::connect({.interruptible = true}).value();
  const tally::Ticket ticket = client.submit(sum_to(INT64_MAX)).value();
  std::thread other([&] { check(client.interrupt(), "it is interruptible"); });
  check(is(client.wait(ticket).error().code(), "interrupted"), "a wait is interrupted");
  other.join();
  check(client.cancel(ticket).has_value(), "its ticket is good still");
  check(client.wait(ticket).error().status() == TALLY_CANCELLED, "for its answer");
}

void check_detached() {
  const std::string job =
      tally::Client::connect().value().detach(sum_to(10'000'000)).value();
  tally::Client later = tally::Client::connect().value();
  const tally::Answer answer = later.wait(later.attach(job).value()).value();
  check(is(answer[0].text(), "49999995000000"), "a detached job outlives its client");
  check(later.attach("1-2").error().status() == TALLY_INVALID_ARGUMENT,
        "ids are whole");
}

void check_futures() {
  auto client = tally::AsyncClient::connect().value();
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (std::size_t t = 0; t < right.size(); ++t)
    threads.emplace_back([&, t] {
      std::vector<std::future<tally::Answer>> answers;
      for (std::int64_t n = 0; n < 200; ++n)
        answers.push_back(client->submit(sum_to(n)));
      for (std::int64_t n = 0; n < 200; ++n)
        right[t] +=
            answers[static_cast<std::size_t>(n)].get()[0].as<std::int64_t>().value() ==
            n * (n - 1) / 2;
    });
  for (std::thread& thread : threads) thread.join();
  check(right == std::vector<int>(4, 200), "futures of several threads");

  std::future<tally::Answer> never = client->submit(sum_to(INT64_MAX));
  const pid_t child = ::fork();
  if (child == 0) {
    bool refused = false;
    try {
      client->submit(sum_to(1)).get();
    } catch (const tally::Error& error) {
      refused = is(error.code(), "forked");
    }
    client.reset();
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  check(status == 0, "a forked child is refused and can free what it has");
  client.reset();
  try {
    (void)never.get();
    check(false, "a future of a client that is gone");
  } catch (const tally::Error& error) {
    check(is(error.code(), "client_closed"), "says why");
  }
}

}  // namespace

int main() {
  static_assert(!std::is_copy_constructible_v<tally::Client>);
  static_assert(std::is_nothrow_move_constructible_v<tally::Answer>);
  tally::Client client = tally::Client::connect().value();
  check(client.ping().has_value(), "the daemon answers");
  check_results(client);
  check_empty_result(client);
  check_kernel_files(client);
  check_what_holds_values(client);
  check_errors(client);
  check_shared_array(client);
  check_pipeline(tally::Client::connect().value());
  check_cancel(client);
  check_interrupt();
  check_detached();
  check_futures();
  if (failures == 0) std::puts("all is as it should be");
  return failures;
}

// An Asio program whose own event loop awaits a reduction of an array that it shares
// with the daemon: nothing is copied, nothing blocks, one thread.
//
//   c++ -std=c++20 -DASIO_STANDALONE asio_loop.cc -ltally -pthread -o asio_loop
//   ./asio_loop 10000000
//
// Prints sum and maximum of 1, 1/2, 1/3, … 1/N; a timer of the program ticks meanwhile.
// Exit code 0: done; 1: the job failed; 2: used wrongly, or no daemon.
#include <poll.h>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>

#include <tally/tally.hpp>

namespace {

// tally in an io_context: submit() calls back with the answer, from the loop.
// Threads: the io_context's, of which there is one. Must not outlive the io_context.
class LoopClient {
 public:
  using Callback = std::function<void(tally::Expected<tally::Answer>)>;

  LoopClient(asio::io_context& loop, tally::Client client)
      : client_(std::move(client)), socket_(loop, client_.fd()) {}
  // The socket is the client's to close.
  ~LoopClient() { socket_.release(); }
  LoopClient(const LoopClient&) = delete;
  LoopClient& operator=(const LoopClient&) = delete;

  void submit(const tally::Job& job, Callback done) {
    tally::Expected<tally::Ticket> ticket = client_.submit(job);
    if (!ticket) return done(ticket.error());
    callbacks_.emplace(*ticket, std::move(done));
    advance();
  }

 private:
  using Socket = asio::posix::stream_descriptor;

  // Does what can be done now, then waits for what cannot.
  void advance() {
    (void)client_.dispatch();  // a lost connection shows in each answer
    while (const auto ticket = client_.ready()) {
      auto callback = callbacks_.extract(*ticket);
      callback.mapped()(client_.wait(*ticket));
    }
    const int events = client_.events();
    // Waiting for nothing keeps the loop alive for nothing.
    if ((events & POLLIN) != 0 && !callbacks_.empty())
      watch(Socket::wait_read, reading_);
    if ((events & POLLOUT) != 0) watch(Socket::wait_write, writing_);
  }

  void watch(Socket::wait_type what, bool& watching) {
    if (std::exchange(watching, true)) return;
    socket_.async_wait(what, [this, &watching](const asio::error_code& error) {
      if (error == asio::error::operation_aborted) return;  // `this` may be gone
      watching = false;
      advance();
    });
  }

  tally::Client client_;
  Socket socket_;
  std::unordered_map<tally::Ticket, Callback> callbacks_;
  bool reading_ = false;
  bool writing_ = false;
};

// submit() as something to co_await.
asio::awaitable<tally::Answer> reduce(LoopClient& client, const tally::Job& job) {
  auto executor = co_await asio::this_coro::executor;
  // A timer that never fires of itself: the answer's arrival cancels it.
  asio::steady_timer arrived(executor, asio::steady_timer::time_point::max());
  std::optional<tally::Expected<tally::Answer>> answer;
  client.submit(job, [&](tally::Expected<tally::Answer> came) {
    answer = std::move(came);
    arrived.cancel();
  });
  asio::error_code cancelled;
  if (!answer)
    co_await arrived.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  co_return std::move(*answer).value();
}

asio::awaitable<void> tick(unsigned& ticks) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;; ++ticks) {
    timer.expires_after(std::chrono::milliseconds(1));
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> run(LoopClient& client, std::size_t count) {
  const auto inverses =
      tally::SharedArray<double>::make(count, [](std::span<double> array) {
        for (std::size_t i = 0; i < array.size(); ++i)
          array[i] = 1.0 / static_cast<double>(i + 1);
      });
  tally::Job job;
  job.add("sum").add("max").array(inverses.value());
  const tally::Answer answer = co_await reduce(client, job);
  for (std::size_t i = 0; i < answer.size(); ++i)
    std::cout << answer[i].label() << ' ' << answer[i].text() << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const long long count = argc == 2 ? std::atoll(argv[1]) : 0;
  if (count < 1) {
    std::cerr << "usage: asio_loop COUNT\n";
    return 2;
  }
  auto connected = tally::Client::connect();
  if (!connected) {
    std::cerr << "asio_loop: " << connected.error().what() << '\n';
    return 2;
  }
  asio::io_context loop;
  LoopClient client(loop, *std::move(connected));
  unsigned ticks = 0;
  int code = 0;
  asio::co_spawn(loop, tick(ticks), asio::detached);
  asio::co_spawn(loop, run(client, static_cast<std::size_t>(count)),
                 [&](std::exception_ptr failed) {
                   loop.stop();  // the ticking would go on for ever
                   try {
                     if (failed) std::rethrow_exception(failed);
                   } catch (const std::exception& error) {
                     std::cerr << "asio_loop: " << error.what() << '\n';
                     code = 1;
                   }
                 });
  loop.run();
  std::cerr << ticks << " ticks meanwhile\n";
  return code;
}

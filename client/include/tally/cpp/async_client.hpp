// AsyncClient: answers as futures. Included by tally/tally.hpp.
#pragma once

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tally/cpp/client.hpp"

namespace tally {
inline namespace cpp0 {

// A connection with a thread of its own, which gives answers as futures. May be used by
// several threads; its functions do not wait for answers.
class AsyncClient {
 public:
  static Expected<std::unique_ptr<AsyncClient>> connect(
      const ConnectOptions& options = {}) {
    Expected<Client> client = Client::connect(options);
    if (!client) return client.error();
    return over(*std::move(client));
  }
  // Over a connection that there is already, such as one to an embedded core.
  static Expected<std::unique_ptr<AsyncClient>> over(Client client) {
    const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0) return detail::system_error("no eventfd");
    return std::unique_ptr<AsyncClient>(
        new AsyncClient(std::move(client), detail::Fd(wake)));
  }
  AsyncClient(const AsyncClient&) = delete;
  AsyncClient& operator=(const AsyncClient&) = delete;

  // Ends the connection. Futures that are not ready get an Error, code
  // "client_closed"; their jobs are cancelled.
  ~AsyncClient() {
    if (::getpid() != pid_) {
      thread_.detach();  // a forked child has the object, not the thread
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    thread_.join();
    for (auto& [ticket, promise] : promises_)
      promise.set_exception(std::make_exception_ptr(
          Error(TALLY_CANCELLED, "client_closed", "the client was destroyed")));
  }

  // get() gives the Answer or throws the Error.
  std::future<Answer> submit(const Job& job) {
    std::promise<Answer> promise;
    std::future<Answer> future = promise.get_future();
    {
      // A child has no thread, and perhaps the mutex as that thread held it.
      if (::getpid() != pid_) return failed(std::move(promise), std::move(future));
      const std::lock_guard lock(mutex_);
      const Expected<Ticket> ticket = client_.submit(job);
      if (!ticket) {
        promise.set_exception(std::make_exception_ptr(ticket.error()));
        return future;
      }
      promises_.emplace(*ticket, std::move(promise));
    }
    wake();
    return future;
  }

 private:
  using Promise = std::promise<Answer>;

  AsyncClient(Client client, detail::Fd wake)
      : client_(std::move(client)), wake_(std::move(wake)), thread_(start()) {}

  // The host's signals are for the host's threads: blocked before there is a thread
  // that one could reach.
  std::thread start() {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      std::thread started([this] { loop(); });
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      return started;
    } catch (...) {
      ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
      throw;
    }
  }

  static std::future<Answer> failed(Promise promise, std::future<Answer> future) {
    promise.set_exception(std::make_exception_ptr(
        Error(TALLY_INVALID_ARGUMENT, "forked",
              "this client belongs to the process that connected")));
    return future;
  }

  void wake() noexcept {
    const std::uint64_t one = 1;
    // Full means that the thread has been woken already.
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
  }

  void loop() {
    for (;;) {
      pollfd watched[2] = {{-1, 0, 0}, {wake_.get(), POLLIN, 0}};
      std::vector<std::pair<Promise, Expected<Answer>>> answered;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        // Its error comes again with every wait() below.
        (void)client_.dispatch();
        while (const std::optional<Ticket> ticket = client_.ready())
          answered.push_back(take(*ticket));
        const int events = client_.events();
        if (events != 0) watched[0] = {client_.fd(), static_cast<short>(events), 0};
      }
      // Without the lock: whoever waits may submit the next job.
      for (auto& [promise, answer] : answered) fulfil(promise, std::move(answer));
      ::poll(watched, 2, -1);
      std::uint64_t count = 0;
      if (watched[1].revents != 0) [[maybe_unused]]
        const auto got = ::read(wake_.get(), &count, sizeof count);
    }
  }

  std::pair<Promise, Expected<Answer>> take(Ticket ticket) {
    auto promise = promises_.extract(ticket);
    return {std::move(promise.mapped()), client_.wait(ticket)};
  }

  static void fulfil(Promise& promise, Expected<Answer> answer) {
    if (answer)
      promise.set_value(*std::move(answer));
    else
      promise.set_exception(std::make_exception_ptr(answer.error()));
  }

  const pid_t pid_ = ::getpid();
  std::mutex mutex_;
  Client client_;                                 // guarded by mutex_
  std::unordered_map<Ticket, Promise> promises_;  // guarded by mutex_
  bool stopping_ = false;                         // guarded by mutex_
  detail::Fd wake_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace cpp0
}  // namespace tally

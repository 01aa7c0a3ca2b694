// Client: a connection. Included by tally/tally.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "tally/cpp/answer.hpp"
#include "tally/cpp/error.hpp"
#include "tally/cpp/job.hpp"

namespace tally {
inline namespace cpp0 {

using Ticket = tally_ticket;

struct ConnectOptions {
  std::string socket_path{};                                   // "": where tally.h says
  std::chrono::nanoseconds timeout{std::chrono::seconds(10)};  // 0: none
  bool interruptible = false;                                  // interrupt() works
};

namespace detail {

// Views `options`, which must outlive it.
inline tally_connect_options connect_options(const ConnectOptions& options) {
  tally_connect_options given{};
  given.struct_size = sizeof given;
  if (!options.socket_path.empty()) given.socket_path = options.socket_path.c_str();
  given.timeout_ns = static_cast<std::uint64_t>(options.timeout.count());
  given.flags = options.interruptible ? TALLY_CONNECT_INTERRUPTIBLE : 0;
  return given;
}

}  // namespace detail

// One connection; one thread at a time.
class Client {
 public:
  using Progress = std::function<void(const tally_progress&)>;

  static Expected<Client> connect(const ConnectOptions& options = {}) {
    const tally_connect_options given = detail::connect_options(options);
    tally_client* client = nullptr;
    const Expected<Done> done = detail::attempt(
        [&](tally_error** error) { return tally_connect(&given, &client, error); });
    if (!done) return done.error();
    return adopt(client);
  }
  // Takes over a client of the C functions.
  static Client adopt(tally_client* client) {
    Client made;
    made.client_.reset(client);
    return made;
  }

  // Submits and waits. A job that ends without being done is an Error with answer().
  Expected<Answer> run(const Job& job) {
    if (job.error()) return *job.error();
    return answer_of([&](tally_answer** answer, tally_error** error) {
      return tally_run(get(), job.get(), answer, error);
    });
  }

  // Queues a job: see tally_submit. `progress` is called from within other calls of
  // this client and must neither use it nor throw.
  Expected<Ticket> submit(const Job& job, Progress progress = {}) {
    if (job.error()) return *job.error();
    auto kept = progress ? std::make_unique<Progress>(std::move(progress)) : nullptr;
    tally_submit_options options{};
    options.struct_size = sizeof options;
    if (kept) options.progress = &call_progress;
    options.user = kept.get();
    Expected<Ticket> ticket = submit(job, options);
    if (ticket && kept) progress_.emplace(*ticket, std::move(kept));
    return ticket;
  }
  // Hands a job over to the daemon, beyond this client's life: its id, for attach().
  Expected<std::string> detach(const Job& job) {
    if (job.error()) return *job.error();
    tally_submit_options options{};
    options.struct_size = sizeof options;
    options.flags = TALLY_SUBMIT_DETACHED;
    const Expected<Ticket> ticket = submit(job, options);
    if (!ticket) return ticket.error();
    const Expected<Answer> taken = wait(*ticket);
    if (!taken) return taken.error();
    return std::string(taken->job());
  }
  Expected<Ticket> attach(const std::string& job) {
    Ticket ticket = 0;
    const Expected<Done> done = detail::attempt([&](tally_error** error) {
      return tally_attach(get(), job.c_str(), nullptr, &ticket, error);
    });
    if (!done) return done.error();
    return ticket;
  }

  Expected<Answer> wait(Ticket ticket) {
    Expected<Answer> answer = answer_of([&](tally_answer** to, tally_error** error) {
      return tally_wait(get(), ticket, to, error);
    });
    // After an interrupt the job runs on, and so does its progress.
    if (answer || answer.error().status() != TALLY_CANCELLED ||
        answer.error().answer() != nullptr)
      progress_.erase(ticket);
    return answer;
  }
  Expected<Done> cancel(Ticket ticket) {
    return detail::attempt(
        [&](tally_error** error) { return tally_cancel(get(), ticket, error); });
  }
  Expected<Done> flush() {
    return detail::attempt(
        [&](tally_error** error) { return tally_flush(get(), error); });
  }
  Expected<Done> ping(std::chrono::nanoseconds timeout = {}) {
    return detail::attempt([&](tally_error** error) {
      return tally_ping(get(), static_cast<std::uint64_t>(timeout.count()), error);
    });
  }

  // From any thread or signal handler; false: not interruptible.
  bool interrupt() noexcept { return tally_client_interrupt(get()) == TALLY_OK; }

  // In a host's event loop: as tally.h says.
  int fd() const noexcept { return tally_client_fd(get()); }
  int events() const noexcept { return tally_client_events(get()); }
  Expected<Done> dispatch() {
    return detail::attempt(
        [&](tally_error** error) { return tally_client_dispatch(get(), error); });
  }
  // A ticket for which wait() returns at once; none now.
  std::optional<Ticket> ready() {
    const Ticket ticket = tally_client_ready(get(), nullptr);
    return ticket == 0 ? std::nullopt : std::optional<Ticket>(ticket);
  }

  tally_client* get() const noexcept { return client_.get(); }

 private:
  Client() = default;

  static void call_progress(void* user, const tally_progress* at) noexcept {
    (*static_cast<Progress*>(user))(*at);
  }

  Expected<Ticket> submit(const Job& job, const tally_submit_options& options) {
    Ticket ticket = 0;
    const Expected<Done> done = detail::attempt([&](tally_error** error) {
      return tally_submit_with(get(), job.get(), &options, &ticket, error);
    });
    if (!done) return done.error();
    return ticket;
  }

  template <typename F>
  static Expected<Answer> answer_of(F&& call) {
    tally_answer* answer = nullptr;
    tally_error* error = nullptr;
    const tally_status status = call(&answer, &error);
    if (status != TALLY_OK) return Error(status, error, answer);
    return Answer(answer);
  }

  // What `user` of a submit points to, for as long as the library may call it; behind a
  // pointer, for the Client may be moved.
  std::unordered_map<Ticket, std::unique_ptr<Progress>> progress_;
  detail::ClientPtr client_;  // last: freed before what it points to
};

}  // namespace cpp0
}  // namespace tally

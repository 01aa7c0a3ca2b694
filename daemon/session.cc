// Session: its life, from the hello to what it leaves behind.
#include "daemon/session.h"

#include <utility>

#include "daemon/turn.h"

namespace tally::daemon {
namespace {

constexpr std::chrono::seconds kHelloDeadline{10};

}  // namespace

Session::Session(Socket socket, ipc::Peer peer, Engine& engine, SessionHost& host,
                 Options options)
    : socket_(std::move(socket)),
      peer_(peer),
      engine_(engine),
      number_(engine.open_session()),
      host_(host),
      options_(std::move(options)),
      reader_(ipc::FrameLimits{}),
      rest_(socket_.get_executor()),
      greeting_(socket_.get_executor()),
      room_(socket_.get_executor()),
      closing_(socket_.get_executor()) {}

void Session::start(asio::io_context& loop) {
  greeting_.expires_after(kHelloDeadline);
  greeting_.async_wait([weak = weak_from_this()](asio::error_code error) {
    if (const auto self = weak.lock(); self && !error && !self->greeted_) self->stop();
  });
  ipc::spawn(loop, run(shared_from_this()),
             [self = shared_from_this()](const Result<void>& how) {
               self->end();
               self->host_.session_ended(self, how);
             });
}

asio::awaitable<Result<void>> Session::run(std::shared_ptr<Session> self) {
  Result<void> how = co_await read(self);
  // It is one of the sessions, which are so many, until what it leaves can be closed.
  while (self->engine_.closing_is_behind() && self->leaves_descriptors())
    co_await self->closing();
  co_return how;
}

void Session::stop() {
  if (stopping_) return;
  stopping_ = true;
  flush();
  asio::error_code ignored;
  socket_.shutdown(Socket::shutdown_receive, ignored);  // ends a pending read
  room_.cancel();
  closing_.cancel();
}

void Session::end() {
  ended_ = true;
  asio::error_code ignored;
  socket_.shutdown(Socket::shutdown_both, ignored);
  expect_no_rest();
  std::vector<UniqueFd> left = reader_.take_descriptors();
  count_descriptors();
  if (socket_.available(ignored) > 0)
    left.emplace_back(socket_.release(ignored));
  else
    socket_.close(ignored);
  engine_.close_later(std::move(left));
  engine_.close_session(number_);
  leave_attached();
}

// With the socket goes what is in it, unread: descriptors, for all that is known.
bool Session::leaves_descriptors() const {
  asio::error_code ignored;
  return reader_.holds_descriptors() || socket_.available(ignored) > 0;
}

void Session::leave_attached() {
  Turn turn(monotonic_ns());
  while (!submitted_.empty()) {
    // Cancelling calls back into forget().
    const SubmittedJob job = submitted_.begin()->second;
    submitted_.erase(submitted_.begin());
    if (job.attached && said_leave_ && engine_.leave(job.number))
      engine_.cancel(job.number, Error(Errc::Cancelled, "client_gone",
                                       "the client that the job was attached to left"));
    if (job.attached && !said_leave_ && host_.job_left(job.number, peer_)) ++going_on_;
    if (turn.over())
      return host_.turns().wait(TurnQueue::key_of(peer_), [self = shared_from_this()] {
        self->leave_attached();
      });
  }
  const Error gone(Errc::Cancelled, "client_gone", "the client is gone");
  for (const auto& [sequence, windows] : std::exchange(windows_, {}))
    windows->give_up(gone);
  if (going_on_ > 0) host_.jobs_go_on(going_on_, peer_);
}

}  // namespace tally::daemon

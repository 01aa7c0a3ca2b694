// Session: reading: frames, in turns, while their replies are read and their
// descriptors closed.
#include <sys/socket.h>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <string>
#include <utility>

#include "daemon/session.h"
#include "daemon/turn.h"

namespace tally::daemon {
namespace {

constexpr std::chrono::milliseconds kClosingStep{1};
constexpr std::chrono::seconds kFrameDeadline{10};

}  // namespace

asio::awaitable<Result<void>> Session::read(std::shared_ptr<Session> self) {
  while (!self->stopping_) {
    if (const auto why = self->count_descriptors()) co_return self->violated(*why);
    if (self->reader_.incomplete()) self->expect_rest();
    asio::error_code error;
    co_await self->socket_.async_wait(Socket::wait_read,
                                      asio::redirect_error(asio::use_awaitable, error));
    if (error) break;
    Nanoseconds received_ns = monotonic_ns();
    if (!self->host_.turns().is_free(received_ns)) {
      co_await self->host_.turns().turn_of(TurnQueue::key_of(self->peer_));
      received_ns = monotonic_ns();
    }
    const Result<ipc::Transfer> got =
        self->reader_.receive(self->socket_.native_handle(), MSG_DONTWAIT);
    if (!got) co_return self->violated(got.error());
    if (*got == ipc::Transfer::Closed) {
      if (self->rest_late_)
        co_return self->violated(
            Error(Errc::ProtocolViolation, "frame_too_slow",
                  "the rest of a frame did not come within " +
                      std::to_string(kFrameDeadline.count()) +
                      " s of its start; begin a frame when all of it is at hand"));
      if (self->reader_.mid_frame() && !self->stopping_)
        co_return Error(Errc::ProtocolViolation, "cut_short",
                        "the client closed in the middle of a frame");
      break;
    }
    self->in_turn_ = true;
    Turn turn(received_ns);
    while (!self->stopping_) {
      if (self->too_much_unsent()) {
        if (const auto why = self->count_descriptors()) co_return self->violated(*why);
        co_await self->room();
      }
      Result<std::optional<ipc::Frame>> frame = self->reader_.next();
      if (!frame) co_return self->violated(frame.error());
      if (!*frame) break;
      self->expect_no_rest();
      if (!self->handle(**frame, received_ns)) self->stopping_ = true;
      if ((*frame)->header.fd_count > 0) {
        // Those that no request took.
        self->engine_.close_later(std::move((*frame)->fds));
        while (!self->stopping_ && self->engine_.closing_is_behind())
          co_await self->closing();
      }
      if (turn.over()) {
        // Its replies wait for the last of the read: a send costs more than the turn.
        co_await self->host_.turns().turn_of(TurnQueue::key_of(self->peer_));
        turn = Turn(monotonic_ns());
      }
    }
    self->in_turn_ = false;
    self->flush();  // at once: going through the loop first costs two system calls
  }
  self->flush();
  co_return Result<void>();
}

// Until a client that does not read its replies has read most of them: until then no
// more of them are made.
asio::awaitable<void> Session::room() {
  expect_no_rest();  // it may have come; it is not looked at meanwhile
  in_turn_ = false;  // what is written meanwhile must not wait for us
  flush();
  while (!stopping_ && too_much_unsent()) {
    asio::error_code error;
    room_.expires_at(asio::steady_timer::time_point::max());
    co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

// For a moment, in which descriptors are closed.
asio::awaitable<void> Session::closing() {
  in_turn_ = false;  // as above
  flush();
  asio::error_code error;
  closing_.expires_after(kClosingStep);
  co_await closing_.async_wait(asio::redirect_error(asio::use_awaitable, error));
}

// Sets the deadline for the frame that has begun, if it has none.
void Session::expect_rest() {
  if (std::exchange(rest_expected_, true)) return;
  rest_.expires_after(kFrameDeadline);
  rest_.async_wait([weak = weak_from_this()](asio::error_code error) {
    const auto self = weak.lock();
    if (!self || error || !self->rest_expected_) return;
    if (std::chrono::steady_clock::now() < self->rest_.expiry()) return;  // another's
    asio::error_code ignored;
    if (self->socket_.available(ignored) > 0) {  // it is we who are late
      self->rest_expected_ = false;
      return self->expect_rest();
    }
    self->rest_late_ = true;
    self->socket_.shutdown(Socket::shutdown_receive, ignored);  // ends a pending read
  });
}

void Session::expect_no_rest() {
  if (std::exchange(rest_expected_, false)) rest_.cancel();
}

// Whenever we wait for the client: it may have us hold them for as long.
std::optional<Error> Session::count_descriptors() {
  const std::size_t before = std::exchange(counted_descriptors_, reader_.descriptors());
  if (before == counted_descriptors_) return std::nullopt;
  return host_.accounts().waiting_descriptors(peer_.uid, before, counted_descriptors_);
}

// Answers a stream that is no stream of frames any more; its sequence is unknown.
Error Session::violated(const Error& why) {
  reply(0, why);
  flush();
  return why;
}

}  // namespace tally::daemon

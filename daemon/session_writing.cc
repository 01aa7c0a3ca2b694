// Session: writing: replies and events, as much at once as the socket takes.
#include <sys/socket.h>

#include <cerrno>

#include "daemon/session.h"
#include "ipc/codec/control_codec.h"

namespace tally::daemon {
namespace {

constexpr std::size_t kKeptCapacity = 1U << 18;

}  // namespace

void Session::reply(std::uint32_t sequence, const model::Reply& reply) {
  if (ended_) return;
  ipc::append_reply(out_, sequence, reply);
  written();
}

void Session::reply_answer(std::uint32_t sequence, const job::EndedJob& job) {
  if (ended_) return;
  ipc::append_answer(out_, sequence, job.answer, job.elapsed_ns, monotonic_ns());
  written();
}

void Session::send_event(std::uint32_t sequence, const model::JobProgress& progress) {
  // A client that does not read gets no more news, only answers.
  if (ended_ || too_much_unsent()) return;
  ipc::append_event(out_, sequence, progress);
  written();
}

bool Session::too_much_unsent() const {
  const std::size_t bytes = unsent() + statuses_owed_ * status_bytes_;
  // The first is no more than a comparison, for those who read.
  return bytes > SessionAccounts::kLeastUnsentBytes &&
         bytes > host_.accounts().unsent_bytes(peer_.uid);
}

void Session::written() {
  if (flush_asked_ || writing_ || in_turn_) return;
  flush_asked_ = true;
  host_.flush_later(shared_from_this());
}

void Session::flush() {
  flush_asked_ = false;
  if (ended_ || writing_) return;
  if (!send_some()) return;
  writing_ = true;
  socket_.async_wait(Socket::wait_write,
                     [self = shared_from_this()](asio::error_code error) {
                       self->writing_ = false;
                       if (!error) self->flush();
                     });
}

// Sends what the socket takes; true if it is full and more is left.
bool Session::send_some() {
  while (unsent() > 0) {
    const ssize_t sent = ::send(socket_.native_handle(), out_.data() + sent_, unsent(),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (sent < 0) {
      // The peer is gone, or there is no memory. A reply is lost: the session ends, as
      // its reader sees, and the peer with it.
      asio::error_code ignored;
      socket_.shutdown(Socket::shutdown_both, ignored);
      out_.clear();
      sent_ = 0;
      break;
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  out_.clear();
  sent_ = 0;
  if (out_.capacity() > kKeptCapacity) ipc::Bytes().swap(out_);
  room_.cancel();
  return false;
}

}  // namespace tally::daemon

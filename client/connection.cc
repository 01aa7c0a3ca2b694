#include "client/connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "ipc/codec/control_codec.h"
#include "ipc/fd_passing.h"

namespace tally::client {
namespace {

// The daemon sends no descriptors to clients.
constexpr ipc::FrameLimits kLimits{ipc::kMaxReplyBytes, 0};

// An inline job's time and some. Any longer and a job on the other paths, whose thread
// or worker needs a core, would have to wait for ours where there are two: the thread
// path's round trip was 27 µs with 50 µs here, 15 with 20.
constexpr Nanoseconds kLongestPollNs = 20'000;

constexpr std::size_t kShrinkBytes = std::size_t{1} << 20;

// Duplicates, so that a caller who gives up waiting may close its own: a number must
// not name another file by the time it is sent.
Result<std::vector<UniqueFd>> duplicate(std::span<const int> fds) {
  std::vector<UniqueFd> copies;
  copies.reserve(fds.size());
  for (const int fd : fds) {
    copies.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copies.back()) return Error::from_errno("duplicating a descriptor to send");
  }
  return copies;
}

Error connection_lost() {
  return Error(Errc::Unavailable, "connection_lost",
               "the daemon closed the connection; it may have stopped");
}

// The whole milliseconds until the deadline, rounded up, as poll wants them.
int poll_timeout(Nanoseconds deadline_ns) {
  if (deadline_ns == 0) return -1;
  const Nanoseconds now = monotonic_ns();
  if (now >= deadline_ns) return 0;
  constexpr Nanoseconds kMillisecond = 1'000'000;
  constexpr Nanoseconds kLongest = 3'600'000;  // the caller polls again
  const Nanoseconds left = (deadline_ns - now + kMillisecond - 1) / kMillisecond;
  return static_cast<int>(std::min(left, kLongest));
}

}  // namespace

Connection::Connection(UniqueFd socket)
    : socket_(std::move(socket)), reader_(kLimits), short_poll_(kLongestPollNs) {
  // A blocking socket: receive() may then wait in the one call that also reads.
  const int flags = ::fcntl(socket_.get(), F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) != 0)
    (void)::fcntl(socket_.get(), F_SETFL, flags & ~O_NONBLOCK);
}

Result<void> Connection::queue(std::uint32_t sequence, const model::Request& request,
                               std::span<const int> fds) {
  if (fds.size() > ipc::kMaxFrameDescriptors)
    return Error(Errc::InvalidArgument, "too_many_descriptors",
                 std::to_string(fds.size()) + " descriptors in one request; " +
                     std::to_string(ipc::kMaxFrameDescriptors) + " are allowed")
        .with("limit", std::int64_t{ipc::kMaxFrameDescriptors});
  Result<std::vector<UniqueFd>> copies = duplicate(fds);
  if (!copies) return std::move(copies).error();
  const std::size_t start = out_.size();
  Result<void> fits = ipc::append_request(
      out_, sequence, static_cast<std::uint16_t>(fds.size()), request);
  if (!fits) return fits;
  if (!fds.empty()) passengers_.push_back({start, *std::move(copies)});
  return {};
}

// One sendmsg: up to the next byte that descriptors ride on.
Result<ipc::Moved> Connection::send_run() {
  std::array<int, ipc::kMaxFrameDescriptors> numbers;
  std::size_t count = 0;
  std::size_t end = out_.size();
  std::size_t next = 0;
  if (!passengers_.empty() && passengers_.front().offset == sent_) {
    for (const UniqueFd& fd : passengers_.front().fds) numbers[count++] = fd.get();
    next = 1;
  }
  if (passengers_.size() > next) end = passengers_[next].offset;
  const auto run = std::span<const std::byte>(out_).subspan(sent_, end - sent_);
  Result<ipc::Moved> moved = ipc::send_with_fds(
      socket_.get(), run, std::span(numbers.data(), count), MSG_DONTWAIT);
  if (!moved || moved->state != ipc::Transfer::Moved) return moved;
  if (next == 1) passengers_.erase(passengers_.begin());
  sent_ += moved->bytes;
  return moved;
}

void Connection::forget_sent() {
  if (sent_ == out_.size()) {
    out_.clear();
    sent_ = 0;
  } else if (sent_ >= kShrinkBytes) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(sent_));
    for (Passenger& passenger : passengers_) passenger.offset -= sent_;
    sent_ = 0;
  }
}

Result<void> Connection::send_some() {
  while (unsent_bytes() > 0) {
    if (peer_gone_) {
      sent_ = out_.size();
      passengers_.clear();
      break;
    }
    Result<ipc::Moved> moved = send_run();
    if (!moved) return std::move(moved).error();
    if (moved->state == ipc::Transfer::WouldBlock) break;
    if (moved->state == ipc::Transfer::Closed) peer_gone_ = true;
  }
  forget_sent();
  return {};
}

// True: the socket is readable (or at its end).
Result<bool> Connection::poll(const Patience& patience) {
  const auto events =
      static_cast<short>(unsent_bytes() > 0 ? POLLIN | POLLOUT : POLLIN);
  std::array<pollfd, 2> watched{
      {{socket_.get(), events, 0}, {patience.interrupt_fd, POLLIN, 0}}};
  for (;;) {
    const int timeout = poll_timeout(patience.deadline_ns);
    const int ready = ::poll(watched.data(), watched.size(), timeout);
    if (ready < 0 && errno != EINTR) return Error::from_errno("poll");
    if (ready < 0) continue;
    // What has arrived comes before the reasons to stop waiting.
    if (watched[0].revents != 0) return (watched[0].revents & ~POLLOUT) != 0;
    if (watched[1].revents != 0)
      return Error(Errc::Cancelled, "interrupted", "waiting was interrupted");
    if (patience.deadline_ns != 0 && monotonic_ns() >= patience.deadline_ns)
      return Error(Errc::DeadlineExceeded, "the daemon did not answer in time");
  }
}

// False: nothing was there.
Result<bool> Connection::receive(int flags) {
  Result<ipc::Transfer> got = reader_.receive(socket_.get(), flags);
  if (!got) return std::move(got).error();
  if (*got == ipc::Transfer::Closed) return connection_lost();
  return *got == ipc::Transfer::Moved;
}

Result<bool> Connection::receive_some() {
  return receive(MSG_DONTWAIT);
}

// False: nothing came within a short poll.
Result<bool> Connection::receive_soon() {
  Result<bool> received = false;
  (void)short_poll_.wait([&] {
    received = receive(MSG_DONTWAIT);
    return !received || *received;
  });
  return received;
}

Result<void> Connection::await(const Patience& patience) {
  if (unsent_bytes() == 0) {
    Result<bool> received = receive_soon();
    if (!received) return std::move(received).error();
    if (*received) return {};
  }
  // Nothing else to watch: one call waits and reads, which is most of a round trip's
  // system calls. It comes back empty-handed where the host's event loop has made the
  // socket non-blocking (Asio does).
  if (unsent_bytes() == 0 && patience.deadline_ns == 0 && patience.interrupt_fd < 0) {
    Result<bool> received = receive(0);
    if (!received) return std::move(received).error();
    if (*received) return {};
  }
  Result<bool> readable = poll(patience);
  if (!readable) return std::move(readable).error();
  if (!*readable) return {};
  Result<bool> received = receive(MSG_DONTWAIT);
  if (!received) return std::move(received).error();
  return {};
}

}  // namespace tally::client

#include "runtime/exec/process/worker_link.h"

#include <sys/socket.h>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include <deque>
#include <utility>

#include "ipc/packet.h"
#include "ipc/spawn.h"

namespace tally::exec {
namespace {

using asio::posix::stream_descriptor;

// One frame on its way, with what keeps its descriptors open until they have left.
struct Outgoing {
  ipc::Bytes frame;
  std::vector<int> fds;
  std::vector<std::shared_ptr<const void>> keep;
  std::size_t sent = 0;
};

}  // namespace

struct WorkerLink::Impl {
  Impl(asio::io_context& io, UniqueFd end, std::uint64_t number, WorkerLinkEvents& to)
      : loop(io), socket(io, end.release()), serial(number), events(&to) {}

  static asio::awaitable<Result<void>> read(std::shared_ptr<Impl> self) {
    ipc::PacketAssembler packets;
    for (;;) {
      asio::error_code error;
      co_await self->socket.async_wait(
          stream_descriptor::wait_read,
          asio::redirect_error(asio::use_awaitable, error));
      while (self->events != nullptr) {
        const Result<ipc::Transfer> got =
            packets.receive(self->socket.native_handle(), MSG_DONTWAIT);
        if (!got) co_return got.error();
        if (*got == ipc::Transfer::WouldBlock) break;
        if (*got == ipc::Transfer::Closed)
          co_return Error(Errc::WorkerLost, "the worker closed its link");
        Result<std::optional<ipc::Frame>> frame = packets.next();
        if (!frame) co_return std::move(frame).error();
        if (!*frame) continue;
        Result<ipc::WorkerMessage> message = ipc::read_worker_message((*frame)->body);
        if (!message) co_return std::move(message).error();
        self->events->on_worker_message(self->serial, *std::move(message));
      }
      if (self->events == nullptr) co_return Result<void>();
    }
  }

  static asio::awaitable<Result<void>> write(std::shared_ptr<Impl> self) {
    for (;;) {
      asio::error_code error;
      co_await self->socket.async_wait(
          stream_descriptor::wait_write,
          asio::redirect_error(asio::use_awaitable, error));
      if (self->events == nullptr) co_return Result<void>();
      const Result<ipc::Transfer> state = self->send();
      if (!state) co_return state.error();
      if (*state != ipc::Transfer::WouldBlock) co_return Result<void>();
    }
  }

  // Sends what waits, until it is gone or the socket is full.
  Result<ipc::Transfer> send() {
    while (!outbox.empty()) {
      Outgoing& first = outbox.front();
      const Result<ipc::Transfer> state = ipc::send_packets(
          socket.native_handle(), first.frame, first.fds, first.sent, MSG_DONTWAIT);
      if (!state || *state != ipc::Transfer::Moved) return state;
      outbox.pop_front();
    }
    return ipc::Transfer::Moved;
  }

  Result<void> start_writing(const std::shared_ptr<Impl>& self) {
    if (writing) return {};
    const Result<ipc::Transfer> state = send();
    if (!state) return state.error();
    if (*state != ipc::Transfer::WouldBlock) return {};
    writing = true;
    ipc::spawn(loop, write(self),
               [self](const Result<void>&) { self->writing = false; });
    return {};
  }

  asio::io_context& loop;
  stream_descriptor socket;
  const std::uint64_t serial;
  WorkerLinkEvents* events;  // null once the WorkerLink is destroyed
  std::deque<Outgoing> outbox;
  bool writing = false;
};

WorkerLink::WorkerLink(asio::io_context& loop, UniqueFd end, std::uint64_t serial,
                       WorkerLinkEvents& events)
    : impl_(std::make_shared<Impl>(loop, std::move(end), serial, events)) {
  ipc::spawn(loop, Impl::read(impl_), [impl = impl_](Result<void> ended) {
    if (impl->events == nullptr) return;
    impl->events->on_link_closed(
        impl->serial, ended ? Error(Errc::Internal, "the link's reader stopped")
                            : std::move(ended).error());
  });
}

WorkerLink::~WorkerLink() {
  impl_->events = nullptr;
  asio::error_code ignored;
  impl_->socket.close(ignored);
}

Result<void> WorkerLink::assign(std::vector<Assignment> batch) {
  Outgoing outgoing;
  std::vector<ipc::AssignedTask> tasks;
  tasks.reserve(batch.size());
  for (Assignment& one : batch) {
    ipc::AssignedTask assigned;
    assigned.first_descriptor = static_cast<std::uint32_t>(outgoing.fds.size());
    assigned.descriptors =
        static_cast<std::uint32_t>(one.descriptors.size() + one.extra.size());
    for (const std::uint32_t index : one.descriptors)
      outgoing.fds.push_back((*one.files)[index].get());
    if (!one.descriptors.empty()) outgoing.keep.push_back(std::move(one.files));
    for (auto& fd : one.extra) {
      outgoing.fds.push_back(fd->get());
      outgoing.keep.push_back(std::move(fd));
    }
    assigned.task = std::move(one.task);
    tasks.push_back(std::move(assigned));
  }
  if (outgoing.fds.size() > ipc::kMaxFrameDescriptors)
    return Error(Errc::Internal, "too_many_descriptors",
                 "a batch of chunks with more than 64 descriptors");
  const auto fd_count = static_cast<std::uint16_t>(outgoing.fds.size());
  const Result<void> encoded =
      ipc::append_worker_message(outgoing.frame, fd_count, std::move(tasks));
  if (!encoded) return encoded;
  impl_->outbox.push_back(std::move(outgoing));
  return impl_->start_writing(impl_);
}

Result<void> WorkerLink::forget(std::vector<std::uint64_t> arrays) {
  Outgoing outgoing;
  const Result<void> encoded = ipc::append_worker_message(
      outgoing.frame, 0, ipc::ForgetArrays{std::move(arrays)});
  if (!encoded) return encoded;
  impl_->outbox.push_back(std::move(outgoing));
  return impl_->start_writing(impl_);
}

}  // namespace tally::exec

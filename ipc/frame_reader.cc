#include "ipc/frame_reader.h"

#include <algorithm>
#include <cstring>

namespace tally::ipc {
namespace {

constexpr std::size_t kInitialCapacity = 64 * 1024;

}  // namespace

FrameReader::FrameReader(FrameLimits limits)
    : limits_(limits),
      buffer_(new std::byte[kInitialCapacity]),  // not zeroed: pages come as needed
      capacity_(kInitialCapacity) {}

void FrameReader::make_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (begin_ + wanted_ <= capacity_ && end_ < capacity_) return;
  const std::size_t pending = end_ - begin_;
  if (wanted_ > capacity_) {
    std::unique_ptr<std::byte[]> larger(new std::byte[wanted_]);
    std::memcpy(larger.get(), buffer_.get() + begin_, pending);
    buffer_ = std::move(larger);
    capacity_ = wanted_;
  } else {
    std::memmove(buffer_.get(), buffer_.get() + begin_, pending);
  }
  begin_ = 0;
  end_ = pending;
}

Result<Transfer> FrameReader::receive(int socket, int flags) {
  make_room();
  Result<Moved> moved = receive_with_fds(
      socket, std::span(buffer_.get() + end_, capacity_ - end_), fds_, flags);
  if (!moved) return std::move(moved).error();
  end_ += moved->bytes;
  if (fds_.size() > kMaxFrameDescriptors)
    return Error(Errc::ProtocolViolation, "too_many_descriptors",
                 "more than 64 descriptors are waiting for their frames");
  return moved->state;
}

Result<std::optional<Frame>> FrameReader::next() {
  const std::size_t pending = end_ - begin_;
  if (pending < kFrameHeaderBytes) {
    wanted_ = kFrameHeaderBytes;
    return std::optional<Frame>();
  }
  const std::byte* at = buffer_.get() + begin_;
  Result<FrameHeader> header =
      decode_header(HeaderBytes(at, kFrameHeaderBytes), limits_);
  if (!header) return std::move(header).error();
  wanted_ = kFrameHeaderBytes + header->body_size;
  if (pending < wanted_) return std::optional<Frame>();
  if (fds_.size() < header->fd_count)
    return Error(Errc::ProtocolViolation, "descriptors_missing",
                 "the frame announces descriptors that did not come");

  Frame frame;
  frame.header = *header;
  frame.body = std::span(at + kFrameHeaderBytes, header->body_size);
  if (header->fd_count > 0) {
    const auto last = fds_.begin() + header->fd_count;
    frame.fds.assign(std::make_move_iterator(fds_.begin()),
                     std::make_move_iterator(last));
    fds_.erase(fds_.begin(), last);
  }
  begin_ += wanted_;
  wanted_ = kFrameHeaderBytes;
  return std::optional<Frame>(std::move(frame));
}

}  // namespace tally::ipc

// FrameReader: turns what a stream socket brings into frames and their descriptors.
//
// One receive() is one recvmsg; next() then yields every complete frame, so that all
// frames of one read are handled in one go. Descriptors queue in the order they came;
// a frame takes the next fd_count of them, for one recvmsg can bring the end of one
// frame and the start of the next with its descriptors.
//
// Trust: bytes come from a peer. The buffer grows only to what an accepted header
// announces, at most 16 + max_body_bytes.
// Threads: one. Ownership: owns buffered descriptors until a frame takes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/fd_passing.h"
#include "ipc/frame.h"

namespace tally::ipc {

struct Frame {
  FrameHeader header;
  std::span<const std::byte> body;  // 8-aligned; valid until the next receive()
  std::vector<UniqueFd> fds;
};

class FrameReader {
 public:
  explicit FrameReader(FrameLimits limits);

  // Errors: Io, ProtocolViolation (more than 64 descriptors queued; truncated). Closed
  // inside a frame is Transfer::Closed too: ask mid_frame().
  Result<Transfer> receive(int socket, int flags);

  // The next complete frame, none if more bytes are needed.
  // Errors: ProtocolViolation; the stream is then unusable.
  Result<std::optional<Frame>> next();

  bool holds_descriptors() const { return !fds_.empty(); }
  // Those that came and that no frame has taken; for the end of the stream.
  std::vector<UniqueFd> take_descriptors() { return std::exchange(fds_, {}); }

  bool mid_frame() const { return end_ != begin_; }
  // Those that wait for the rest of their frame, once next() has no more.
  std::size_t descriptors() const { return fds_.size(); }
  bool incomplete() const { return mid_frame() || !fds_.empty(); }

 private:
  void make_room();

  const FrameLimits limits_;
  std::unique_ptr<std::byte[]> buffer_;  // 8-aligned by operator new
  std::size_t capacity_;
  std::size_t begin_ = 0;  // always a multiple of 8
  std::size_t end_ = 0;
  std::size_t wanted_ = kFrameHeaderBytes;  // bytes the frame in progress needs
  std::vector<UniqueFd> fds_;
};

}  // namespace tally::ipc

// Packets: one worker frame cut into SEQPACKET messages of at most 64 KiB.
//
//   offset  size  field
//        0     2  magic  0x5754 ("TW")
//        2     2  flags  bit 0: the last packet of its frame
//        4     4  total  bytes of the whole frame, the same in each packet
//        8     …  the frame's next bytes
//
// A single SEQPACKET message over 212,960 bytes is refused by the kernel. Descriptors
// go with the first packet.
//
// Trust: a worker may be broken. The assembler bounds a frame before it allocates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/fd_passing.h"
#include "ipc/frame_reader.h"
#include "ipc/message.h"

namespace tally::ipc {

inline constexpr std::size_t kPacketBytes = 64 * 1024;
inline constexpr std::size_t kPacketHeaderBytes = 8;

// Sends a frame packet by packet. `sent` is how many of its bytes went before and is
// advanced; call again with the same frame after WouldBlock.
Result<Transfer> send_packets(int socket, std::span<const std::byte> frame,
                              std::span<const int> fds, std::size_t& sent, int flags);

class PacketAssembler {
 public:
  PacketAssembler();

  // One recvmsg. Errors: Io, ProtocolViolation ("bad_packet").
  Result<Transfer> receive(int socket, int flags);

  // The frame that the last receive() completed, none if it did not complete one.
  // Its body is valid until the next receive().
  Result<std::optional<Frame>> next();

 private:
  std::vector<std::byte> packet_;
  std::vector<std::byte> frame_;  // 8-aligned by the allocator
  std::vector<UniqueFd> fds_;
  bool complete_ = false;  // frame_ holds a whole frame
  bool taken_ = false;     // and next() has given it out
};

}  // namespace tally::ipc

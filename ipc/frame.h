// Frame: the unit of traffic on every tally socket.
//
//   offset  size  field
//        0     4  magic      "TLY1"
//        4     2  kind       FrameKind; unknown kinds are a protocol violation
//        6     2  fd_count   descriptors sent with SCM_RIGHTS on byte 0
//        8     4  body_size  bytes that follow: one Cap'n Proto message, standard
//                            stream encoding; a multiple of 8, at least 8
//       12     4  sequence   echoed in the reply; chosen by the requester
//
// All integers are little-endian. The layout is frozen for protocol 1; see
// ipc/PROTOCOL.md for how a version is negotiated.
//
// Trust: bytes come from a peer. decode_header() is total: any 16 bytes give a
// header within `limits` or an Error, and nothing is allocated before that.
// Threads: pure functions. Ownership: none is taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ipc/base/result.h"

namespace tally::ipc {

inline constexpr std::uint32_t kProtocolVersion = 1;
inline constexpr std::size_t kFrameHeaderBytes = 16;
inline constexpr std::size_t kMaxFrameDescriptors = 64;
inline constexpr std::uint32_t kMaxRequestBytes = 1U << 20;  // a client's frames
inline constexpr std::uint32_t kMaxReplyBytes = 16U << 20;   // the daemon's
inline constexpr std::uint32_t kMaxWorkerBytes = 16U << 20;  // either way

enum class FrameKind : std::uint16_t { Request = 1, Reply = 2, Event = 3, Worker = 4 };

struct FrameHeader {
  FrameKind kind = FrameKind::Request;
  std::uint16_t fd_count = 0;
  std::uint32_t body_size = 0;  // bytes
  std::uint32_t sequence = 0;
  friend bool operator==(const FrameHeader&, const FrameHeader&) = default;
};

struct FrameLimits {
  std::uint32_t max_body_bytes = kMaxRequestBytes;
  std::uint16_t max_fds = kMaxFrameDescriptors;
};

using HeaderBytes = std::span<const std::byte, kFrameHeaderBytes>;

// Errors: ProtocolViolation ("bad_magic", "bad_kind", "bad_body_size",
// "too_many_descriptors"). The session must be closed on any of them.
Result<FrameHeader> decode_header(HeaderBytes bytes, const FrameLimits& limits);

// Precondition: out of a FrameHeader that decode_header() would accept.
void encode_header(const FrameHeader& header,
                   std::span<std::byte, kFrameHeaderBytes> out);

}  // namespace tally::ipc

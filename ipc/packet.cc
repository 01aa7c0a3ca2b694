#include "ipc/packet.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tally::ipc {
namespace {

constexpr std::uint16_t kMagic = 0x5754;
constexpr std::uint16_t kLast = 1;
constexpr std::size_t kPayloadBytes = kPacketBytes - kPacketHeaderBytes;

Error bad_packet(const char* what) {
  return Error(Errc::ProtocolViolation, "bad_packet", what);
}

}  // namespace

Result<Transfer> send_packets(int socket, std::span<const std::byte> frame,
                              std::span<const int> fds, std::size_t& sent, int flags) {
  alignas(8) std::array<std::byte, kPacketBytes> packet;
  while (sent < frame.size()) {
    const std::size_t part = std::min(kPayloadBytes, frame.size() - sent);
    const std::uint16_t flag_bits = sent + part == frame.size() ? kLast : 0;
    const auto total = static_cast<std::uint32_t>(frame.size());
    std::memcpy(packet.data(), &kMagic, 2);
    std::memcpy(packet.data() + 2, &flag_bits, 2);
    std::memcpy(packet.data() + 4, &total, 4);
    std::memcpy(packet.data() + kPacketHeaderBytes, frame.data() + sent, part);
    Result<Moved> moved =
        send_with_fds(socket, std::span(packet.data(), kPacketHeaderBytes + part),
                      sent == 0 ? fds : std::span<const int>(), flags);
    if (!moved) return std::move(moved).error();
    if (moved->state != Transfer::Moved) return moved->state;
    sent += part;  // SEQPACKET sends a packet whole or not at all
  }
  return Transfer::Moved;
}

PacketAssembler::PacketAssembler() : packet_(kPacketBytes) {}

Result<Transfer> PacketAssembler::receive(int socket, int flags) {
  if (complete_) {
    frame_.clear();
    complete_ = false;
    taken_ = false;
  }
  Result<Moved> moved = receive_with_fds(socket, packet_, fds_, flags);
  if (!moved) return std::move(moved).error();
  if (moved->state != Transfer::Moved) return moved->state;

  std::uint16_t magic = 0;
  std::uint16_t flag_bits = 0;
  std::uint32_t total = 0;
  if (moved->bytes < kPacketHeaderBytes) return bad_packet("a packet without a header");
  std::memcpy(&magic, packet_.data(), 2);
  std::memcpy(&flag_bits, packet_.data() + 2, 2);
  std::memcpy(&total, packet_.data() + 4, 4);
  const std::size_t part = moved->bytes - kPacketHeaderBytes;
  if (magic != kMagic) return bad_packet("a packet with a wrong magic");
  if (total > kFrameHeaderBytes + kMaxWorkerBytes)
    return bad_packet("a frame over the limit");
  if (frame_.size() + part > total) return bad_packet("a packet over its frame's size");
  const auto* payload = packet_.data() + kPacketHeaderBytes;
  frame_.insert(frame_.end(), payload, payload + part);
  const bool last = (flag_bits & kLast) != 0;
  if (last != (frame_.size() == total)) return bad_packet("a frame of another size");
  complete_ = last;
  return Transfer::Moved;
}

Result<std::optional<Frame>> PacketAssembler::next() {
  if (!complete_ || taken_) return std::optional<Frame>();
  taken_ = true;
  if (frame_.size() < kFrameHeaderBytes) return bad_packet("a frame without a header");
  FrameLimits limits;
  limits.max_body_bytes = kMaxWorkerBytes;
  Result<FrameHeader> header =
      decode_header(HeaderBytes(frame_.data(), kFrameHeaderBytes), limits);
  if (!header) return std::move(header).error();
  if (header->body_size + kFrameHeaderBytes != frame_.size() ||
      header->fd_count != fds_.size())
    return bad_packet("a frame that is not what its header says");
  Frame frame;
  frame.header = *header;
  frame.body = std::span(frame_).subspan(kFrameHeaderBytes);
  frame.fds = std::move(fds_);
  fds_.clear();
  return std::optional<Frame>(std::move(frame));
}

}  // namespace tally::ipc

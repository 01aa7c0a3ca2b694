#include "ipc/frame.h"

#include <bit>
#include <cstring>
#include <string>

namespace tally::ipc {
namespace {

static_assert(std::endian::native == std::endian::little,
              "headers are copied as they lie in memory");

constexpr std::uint32_t kMagic = 0x31594c54;  // "TLY1"

template <typename T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
void store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

Error violation(std::string code, std::string message) {
  return Error(Errc::ProtocolViolation, std::move(code), std::move(message));
}

}  // namespace

Result<FrameHeader> decode_header(HeaderBytes bytes, const FrameLimits& limits) {
  if (load<std::uint32_t>(bytes.data()) != kMagic)
    return violation("bad_magic",
                     "this is not a tally frame: it does not start with "
                     "TLY1");
  const auto kind = load<std::uint16_t>(bytes.data() + 4);
  if (kind < 1 || kind > static_cast<std::uint16_t>(FrameKind::Worker))
    return violation("bad_kind", "unknown frame kind " + std::to_string(kind));
  FrameHeader header;
  header.kind = static_cast<FrameKind>(kind);
  header.fd_count = load<std::uint16_t>(bytes.data() + 6);
  header.body_size = load<std::uint32_t>(bytes.data() + 8);
  header.sequence = load<std::uint32_t>(bytes.data() + 12);
  if (header.fd_count > limits.max_fds)
    return violation("too_many_descriptors",
                     std::to_string(header.fd_count) + " descriptors in one frame; " +
                         std::to_string(limits.max_fds) + " are allowed");
  if (header.body_size < 8 || header.body_size % 8 != 0 ||
      header.body_size > limits.max_body_bytes)
    return violation("bad_body_size", "a body of " + std::to_string(header.body_size) +
                                          " bytes; a multiple of 8 from 8 to " +
                                          std::to_string(limits.max_body_bytes) +
                                          " is allowed");
  return header;
}

void encode_header(const FrameHeader& header,
                   std::span<std::byte, kFrameHeaderBytes> out) {
  store(out.data(), kMagic);
  store(out.data() + 4, static_cast<std::uint16_t>(header.kind));
  store(out.data() + 6, header.fd_count);
  store(out.data() + 8, header.body_size);
  store(out.data() + 12, header.sequence);
}

}  // namespace tally::ipc

// Helpers for tests of the wire: socket pairs, frames as bytes, open descriptors.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "ipc/frame.h"
#include "ipc/message.h"

namespace tally::ipc {

inline std::pair<UniqueFd, UniqueFd> socket_pair(int type = SOCK_STREAM) {
  int ends[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

inline int open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  int count = 0;
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

inline UniqueFd some_file() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

// A frame with `body_bytes` bytes of 0, 1, 2, ….
inline Bytes frame_bytes(std::uint32_t sequence, std::size_t body_bytes,
                         std::uint16_t fd_count = 0,
                         FrameKind kind = FrameKind::Request) {
  Bytes bytes(kFrameHeaderBytes + body_bytes);
  encode_header(
      {kind, fd_count, static_cast<std::uint32_t>(body_bytes), sequence},
      std::span<std::byte, kFrameHeaderBytes>(bytes.data(), kFrameHeaderBytes));
  for (std::size_t i = 0; i < body_bytes; ++i)
    bytes[kFrameHeaderBytes + i] = static_cast<std::byte>(i);
  return bytes;
}

inline Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// The body of the one frame that `bytes` holds, 8-aligned as bodies are.
inline std::span<const std::byte> body_of(const Bytes& bytes) {
  return std::span(bytes).subspan(kFrameHeaderBytes);
}

inline void send_all(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ASSERT_GT(sent, 0);
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

}  // namespace tally::ipc

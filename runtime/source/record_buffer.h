// RecordBuffer: a window over a file that slides forward and keeps unfinished records.
//
// Reads kReadBytes at a time; what consume() has not taken when refill() is called is
// moved to the front, so that a record that crosses the edge is whole in the end. A
// long record makes the reads grow with it, so that looking at it again from its start
// stays linear; the memory is bounded by kMaxRecordBytes and one read.
//
// Threads: one. Errors: Io "io", InvalidData "file_shrank".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ipc/base/result.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {

inline constexpr std::size_t kMaxRecordBytes = 16 * 1024 * 1024;

class RecordBuffer {
 public:
  // `memory` must outlive the buffer. `read_bytes` is for tests, which want edges
  // everywhere.
  explicit RecordBuffer(std::vector<std::byte>& memory,
                        std::size_t read_bytes = kReadBytes)
      : memory_(memory), read_bytes_(read_bytes) {}

  // Starts anew at byte 0 of `descriptor`, of which `size` bytes are read. `file` is
  // for messages and must live until the next open.
  void open(int descriptor, std::uint64_t size, std::string_view file);

  // What is in memory and not consumed. Valid until refill() or open().
  std::string_view text() const {
    return {reinterpret_cast<const char*>(memory_.data()) + begin_, end_ - begin_};
  }
  // No bytes follow those of text().
  bool at_end() const { return offset_ == size_; }
  void consume(std::size_t bytes) { begin_ += bytes; }
  std::uint64_t consumed() const { return offset_ - (end_ - begin_); }

  // Reads on. Precondition: not at_end(), and text() is at most kMaxRecordBytes.
  Result<void> refill();

 private:
  std::vector<std::byte>& memory_;
  const std::size_t read_bytes_;
  int descriptor_ = -1;
  std::string_view file_;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;  // in the file, of the next read
  std::size_t begin_ = 0;     // in memory_, of the first byte not consumed
  std::size_t end_ = 0;       // in memory_, past the last byte read
};

}  // namespace tally::source

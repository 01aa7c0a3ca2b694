// RecordBuffer: a window over a file or stream that slides forward and keeps unfinished
// records.
//
// Reads kReadBytes at a time; what consume() has not taken when refill() is called is
// moved to the front, so that a record that crosses the edge is whole in the end. A
// long record makes the reads grow with it, so that looking at it again from its start
// stays linear; the memory is bounded by kMaxRecordBytes and one read.
//
// Threads: one. Errors: Io "io", InvalidData "file_shrank"; of streams also Cancelled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "ipc/base/result.h"
#include "runtime/source/cancellation.h"
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

  // Starts anew at byte `start` of `descriptor`, from where `size` bytes are read.
  // `file` is for messages and must live until the next open.
  void open(int descriptor, std::uint64_t start, std::uint64_t size,
            std::string_view file);
  // Starts anew with what comes from a pipe, until its last writer has gone.
  void open_stream(int descriptor, std::string_view file);

  // Waiting for a stream ends with Cancelled once this is raised.
  void heed(const Cancellation& cancellation) { cancellation_ = cancellation; }

  // What is in memory and not consumed. Valid until refill() or open().
  std::string_view text() const {
    return {reinterpret_cast<const char*>(memory_.data()) + begin_, end_ - begin_};
  }
  // No bytes follow those of text().
  bool at_end() const { return stream_ ? ended_ : offset_ == size_; }
  void consume(std::size_t bytes) { begin_ += bytes; }
  // Since the start.
  std::uint64_t consumed() const { return offset_ - (end_ - begin_); }

  // Reads on. Precondition: not at_end(), and text() is at most kMaxRecordBytes.
  Result<void> refill();

 private:
  Result<void> read_file(std::size_t wanted);
  Result<void> read_stream(std::size_t wanted);

  std::vector<std::byte>& memory_;
  const std::size_t read_bytes_;
  Cancellation cancellation_;
  int descriptor_ = -1;
  std::string_view file_;
  bool stream_ = false;
  bool ended_ = false;        // the stream
  std::uint64_t start_ = 0;   // in the file
  std::uint64_t size_ = 0;    // from there
  std::uint64_t offset_ = 0;  // from there, of the next read
  std::size_t begin_ = 0;     // in memory_, of the first byte not consumed
  std::size_t end_ = 0;       // in memory_, past the last byte read
};

}  // namespace tally::source

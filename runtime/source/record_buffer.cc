#include "runtime/source/record_buffer.h"

#include <algorithm>
#include <cstring>

#include "runtime/source/pipe_read.h"

namespace tally::source {

void RecordBuffer::open(int descriptor, std::uint64_t start, std::uint64_t size,
                        std::string_view file) {
  open_stream(descriptor, file);
  stream_ = false;
  start_ = start;
  size_ = size;
}

void RecordBuffer::open_stream(int descriptor, std::string_view file) {
  descriptor_ = descriptor;
  file_ = file;
  stream_ = true;
  ended_ = false;
  start_ = size_ = offset_ = 0;
  begin_ = end_ = 0;
}

Result<void> RecordBuffer::refill() {
  const std::size_t kept = end_ - begin_;
  TALLY_CHECK(!at_end() && kept <= kMaxRecordBytes);
  if (begin_ != 0 && kept != 0)
    std::memmove(memory_.data(), memory_.data() + begin_, kept);
  begin_ = 0;
  end_ = kept;
  const std::size_t room = kMaxRecordBytes + read_bytes_ - kept;
  const std::size_t wanted = std::min(std::max(read_bytes_, kept), room);
  return stream_ ? read_stream(wanted) : read_file(wanted);
}

Result<void> RecordBuffer::read_file(std::size_t wanted) {
  const auto bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size_ - offset_));
  if (memory_.size() < end_ + bytes) memory_.resize(end_ + bytes);
  auto read = pread_exactly(descriptor_, {memory_.data() + end_, bytes},
                            start_ + offset_, file_);
  if (!read) return read;
  end_ += bytes;
  offset_ += bytes;
  return {};
}

// One read's worth of what is there; of a long record as much again as there was, so
// that looking at it again stays linear here as well.
Result<void> RecordBuffer::read_stream(std::size_t wanted) {
  const std::size_t limit = end_ + wanted;
  const std::size_t enough = end_ + std::min(end_, wanted);
  if (memory_.size() < limit) memory_.resize(limit);
  do {
    const auto read = read_pipe(descriptor_, {memory_.data() + end_, limit - end_},
                                cancellation_, file_);
    if (!read) return read.error();
    ended_ = *read == 0;
    end_ += *read;
    offset_ += *read;
  } while (!ended_ && end_ < enough);
  return {};
}

}  // namespace tally::source

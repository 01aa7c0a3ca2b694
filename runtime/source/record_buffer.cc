#include "runtime/source/record_buffer.h"

#include <algorithm>
#include <cstring>

namespace tally::source {

void RecordBuffer::open(int descriptor, std::uint64_t size, std::string_view file) {
  descriptor_ = descriptor;
  file_ = file;
  size_ = size;
  offset_ = 0;
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
  const auto bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(wanted, size_ - offset_));
  if (memory_.size() < kept + bytes) memory_.resize(kept + bytes);
  auto read =
      pread_exactly(descriptor_, {memory_.data() + kept, bytes}, offset_, file_);
  if (!read) return read;
  end_ += bytes;
  offset_ += bytes;
  return {};
}

}  // namespace tally::source

#include "ipc/sync/ring.h"

#include <atomic>
#include <cstring>
#include <string>

namespace tally::sync {
namespace {

std::uint64_t stride(std::uint64_t record_bytes) {
  return (sizeof(std::uint32_t) + record_bytes + 7) / 8 * 8;
}

}  // namespace

Result<void> Ring::check(std::uint32_t capacity, std::uint32_t record_bytes) {
  if (capacity > 0 && capacity <= kMaxRecords && record_bytes > 0 &&
      record_bytes <= kMaxRecordBytes)
    return {};
  return Error(Errc::InvalidArgument, "bad_capacity",
               "between 1 and " + std::to_string(kMaxRecords) + " records of 1 to " +
                   std::to_string(kMaxRecordBytes) + " bytes, not " +
                   std::to_string(capacity) + " of " + std::to_string(record_bytes));
}

std::uint64_t Ring::bytes(std::uint64_t capacity, std::uint64_t record_bytes) {
  return sizeof(RingState) + capacity * stride(record_bytes);
}

std::byte* Ring::record(std::uint64_t position) const noexcept {
  return reinterpret_cast<std::byte*>(state_ + 1) +
         position % capacity_ * stride(record_bytes_);
}

Result<void> Ring::fits(std::span<const std::byte> record) const {
  if (record.size() <= record_bytes_) return {};
  return Error(Errc::InvalidArgument, "record_too_large",
               "a record of " + std::to_string(record.size()) + " bytes, at most " +
                   std::to_string(record_bytes_) + " go in");
}

void Ring::put(std::span<const std::byte> bytes) {
  std::byte* const at = record(state_->tail);
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(at, &size, sizeof size);
  if (size > 0) std::memcpy(at + sizeof size, bytes.data(), size);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  ++state_->tail;
}

Result<std::size_t> Ring::get(std::span<std::byte> into) {
  const std::byte* const at = record(state_->head);
  std::uint32_t size = 0;
  std::memcpy(&size, at, sizeof size);
  if (size > record_bytes_) return region_damaged("a record is too large");
  if (size > into.size())
    return Error(Errc::InvalidArgument, "buffer_too_small",
                 "the next record has " + std::to_string(size) +
                     " bytes, the buffer for it " + std::to_string(into.size()))
        .with("bytes", static_cast<std::int64_t>(size));
  if (size > 0) std::memcpy(into.data(), at + sizeof size, size);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  ++state_->head;
  return std::size_t{size};
}

}  // namespace tally::sync

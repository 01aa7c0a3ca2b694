// Ring: a bounded row of records of bytes in shared memory; of a queue, of a direction
// of a pipe.
//
// A record is there once `tail` counts it, in one write: one that was being put by a
// process that died is not there at all.
// Threads: under the guard of the object that it is part of. Trust: positions and sizes
// are read from shared memory and checked before use.
#pragma once

#include <cstddef>
#include <span>

#include "ipc/sync/outcome.h"
#include "ipc/sync/region.h"

namespace tally::sync {

inline constexpr std::uint32_t kMaxRecords = 1 << 20;
inline constexpr std::uint32_t kMaxRecordBytes = 1 << 20;

// The records follow: for each its size, 4 bytes, and room for the largest.
struct RingState {
  std::uint64_t head;  // records taken since the beginning
  std::uint64_t tail;  // records put
};

class Ring {
 public:
  Ring(RingState* state, std::uint64_t capacity, std::uint64_t record_bytes)
      : state_(state),
        capacity_(static_cast<std::uint32_t>(capacity)),
        record_bytes_(static_cast<std::uint32_t>(record_bytes)) {}

  // Fails with invalid_argument "bad_capacity" where a limit is passed, or 0.
  static Result<void> check(std::uint32_t capacity, std::uint32_t record_bytes);
  // Of the state and its records, a multiple of 8. Precondition: check() passed.
  static std::uint64_t bytes(std::uint64_t capacity, std::uint64_t record_bytes);

  bool damaged() const noexcept { return state_->tail - state_->head > capacity_; }
  std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(state_->tail - state_->head);
  }
  bool empty() const noexcept { return size() == 0; }
  bool full() const noexcept { return size() >= capacity_; }
  std::uint64_t head() const noexcept { return state_->head; }
  std::uint64_t tail() const noexcept { return state_->tail; }

  // Fails with invalid_argument "record_too_large".
  Result<void> fits(std::span<const std::byte> record) const;
  // Preconditions: not damaged(), not full(), fits().
  void put(std::span<const std::byte> record);

  // The first record; its size is returned. If `into` is too small it stays.
  // Precondition: not empty().
  // Fails with invalid_argument "buffer_too_small", invalid_data "region_damaged".
  Result<std::size_t> get(std::span<std::byte> into);

 private:
  std::byte* record(std::uint64_t position) const noexcept;

  RingState* state_;
  std::uint32_t capacity_;
  std::uint32_t record_bytes_;
};

}  // namespace tally::sync

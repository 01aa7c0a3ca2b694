// GuardedMemory: a kernel's state, between bytes that nobody should write to.
//
// Zeroed, aligned to 64 bytes. A kernel whose state is larger than it says writes into
// the guards; intact() tells.
#pragma once

#include <cstddef>
#include <utility>

namespace tally::kernels {

class GuardedMemory {
 public:
  GuardedMemory() = default;
  explicit GuardedMemory(std::size_t bytes);  // throws std::bad_alloc
  GuardedMemory(GuardedMemory&& other) noexcept
      : start_(std::exchange(other.start_, nullptr)), bytes_(other.bytes_) {}
  GuardedMemory& operator=(GuardedMemory&& other) noexcept {
    std::swap(start_, other.start_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~GuardedMemory();

  void* get() const { return start_; }  // nullptr if there is none
  std::size_t size() const { return bytes_; }
  bool intact() const;
  // Gives the memory up without freeing it: around an overrun the allocator's own
  // records may be gone. Any thread.
  void abandon();

 private:
  std::byte* start_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace tally::kernels

// SharedMemory: bytes in a memfd: written first, then sealed and read for ever.
//
//   make() -> write(), data() -> seal() -> view()
//
// Threads: write() any number at once, the rest one at a time; none may write while
// seal() runs. Lifetime: owns descriptor and map; those who duplicated the descriptor
// keep the bytes. Errors: Io (no memory, no descriptors), Overloaded "array_in_use".
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ipc/base/clock.h"
#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::client {

enum class HugePages : std::uint8_t { None = 0, Transparent = 1, Reserved = 2 };

class SharedMemory {
 public:
  // Zeroes. Takes huge pages where the system gives them: reserved ones if enough are
  // free, else transparent ones if shared memory may have them. 0 bytes have no map.
  static Result<SharedMemory> make(std::size_t bytes);
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;
  ~SharedMemory();

  // Copies into [offset, offset + bytes), which must lie within. Faster than writing
  // through data() where the pages are fresh: the kernel neither clears nor maps them.
  Result<void> write(std::size_t offset, const void* from, std::size_t bytes);

  // Turns it read-only for ever. The map stays where it is. On failure all is as it
  // was, still writable.
  Result<void> seal();

  void* data() const { return sealed_ ? nullptr : map_; }
  const void* view() const { return map_; }
  bool sealed() const { return sealed_; }
  HugePages huge_pages() const { return huge_pages_; }
  int fd() const { return fd_.get(); }

  // What write() copied, and from the first one's beginning to the last one's end.
  std::uint64_t copied_bytes() const { return copied_bytes_; }
  Nanoseconds copied_ns() const {
    return copied_bytes_ == 0 ? 0 : copy_end_ - copy_begin_;
  }

 private:
  SharedMemory() = default;
  bool try_reserved_pages(std::size_t bytes);
  Result<void> make_plain(std::size_t bytes);
  bool map_writable();
  Result<void> write_through(std::size_t offset, const std::byte* from,
                             std::size_t bytes);

  UniqueFd fd_;
  void* map_ = nullptr;
  std::size_t mapped_ = 0;  // bytes of the map: whole huge pages where there are such
  bool sealed_ = false;
  HugePages huge_pages_ = HugePages::None;

  std::atomic<std::uint64_t> copied_bytes_{0};
  std::atomic<Nanoseconds> copy_begin_{~Nanoseconds{0}};
  std::atomic<Nanoseconds> copy_end_{0};
};

}  // namespace tally::client

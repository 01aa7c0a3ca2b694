// MappedArrays: sealed objects that a worker keeps mapped, because they are reduced
// again and again.
//
// Reading a map that is there costs no copy; making one costs about as much as one
// pread() of it all (each page must be entered in the table). So the daemon decides
// which are worth it (runtime/job/kept_arrays.h), and says when to forget one.
//
// An object must be sealed against shrinking and writing: what is mapped stays as long
// as the map, and stays the same. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "ipc/base/result.h"

namespace tally::source {

class MappedArray {
 public:
  // Errors: Io.
  static Result<std::unique_ptr<MappedArray>> map(int fd);
  ~MappedArray();
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;

  std::size_t bytes() const { return bytes_; }
  // Bytes [begin, end) of it, every page at hand. Precondition: begin <= end <=
  // bytes().
  const std::byte* at_hand(std::size_t begin, std::size_t end);

 private:
  MappedArray(const std::byte* data, std::size_t bytes);

  const std::byte* const data_;
  const std::size_t bytes_;
  std::vector<bool> there_;  // by step
};

class MappedArrays {
 public:
  // The object that is kept under this number, mapped from `fd` if it is none yet.
  Result<MappedArray*> find(std::uint64_t number, int fd);
  void forget(std::span<const std::uint64_t> numbers);

 private:
  std::map<std::uint64_t, std::unique_ptr<MappedArray>> arrays_;
};

}  // namespace tally::source

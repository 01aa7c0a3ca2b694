// PinnedObjects: the memory that clients' descriptors keep alive, each object once a
// uid.
//
// A memfd or a file of a tmpfs is memory for as long as somebody has it open, and here
// that is us. The same array in a thousand jobs of one user is still one array.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "ipc/base/unique_fd.h"

namespace tally::job {

// What lives in memory. `bytes`: what it takes up, so holes count nothing.
struct MemoryObject {
  std::uint64_t device = 0;  // these two tell objects apart
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
};

// Of the files, each object once; others than those are left out.
std::vector<MemoryObject> memory_objects(const std::vector<UniqueFd>& files);

class PinnedObjects {
 public:
  // Bytes of those that the uid does not pin yet.
  std::uint64_t unpinned(std::uint32_t uid,
                         const std::vector<MemoryObject>& objects) const;
  // Bytes that are pinned now and were not before; and those that are not any more.
  std::uint64_t pin(std::uint32_t uid, const std::vector<MemoryObject>& objects);
  std::uint64_t unpin(std::uint32_t uid, const std::vector<MemoryObject>& objects);

 private:
  struct Key {
    std::uint32_t uid;
    std::uint64_t device;
    std::uint64_t inode;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Pins {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;  // when it was pinned first
  };
  std::map<Key, Pins> pins_;
};

}  // namespace tally::job

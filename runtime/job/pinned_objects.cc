#include "runtime/job/pinned_objects.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace tally::job {

std::vector<MemoryObject> memory_objects(const std::vector<UniqueFd>& files) {
  constexpr std::uint64_t kBlockBytes = 512;  // the unit of st_blocks
  std::vector<MemoryObject> objects;
  for (const UniqueFd& file : files) {
    // What can be sealed is memory; the call fails for all else.
    if (::fcntl(file.get(), F_GET_SEALS) < 0) continue;
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) continue;
    const MemoryObject object{
        status.st_dev, status.st_ino,
        static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes};
    const bool known = std::ranges::any_of(objects, [&](const MemoryObject& other) {
      return other.device == object.device && other.inode == object.inode;
    });
    if (!known) objects.push_back(object);
  }
  return objects;
}

std::uint64_t PinnedObjects::unpinned(std::uint32_t uid,
                                      const std::vector<MemoryObject>& objects) const {
  std::uint64_t bytes = 0;
  for (const MemoryObject& object : objects)
    if (!pins_.contains({uid, object.device, object.inode})) bytes += object.bytes;
  return bytes;
}

std::uint64_t PinnedObjects::pin(std::uint32_t uid,
                                 const std::vector<MemoryObject>& objects) {
  std::uint64_t bytes = 0;
  for (const MemoryObject& object : objects) {
    Pins& pins = pins_[{uid, object.device, object.inode}];
    if (pins.count++ != 0) continue;
    pins.bytes = object.bytes;
    bytes += object.bytes;
  }
  return bytes;
}

std::uint64_t PinnedObjects::unpin(std::uint32_t uid,
                                   const std::vector<MemoryObject>& objects) {
  std::uint64_t bytes = 0;
  for (const MemoryObject& object : objects) {
    const auto found = pins_.find({uid, object.device, object.inode});
    if (--found->second.count != 0) continue;
    bytes += found->second.bytes;
    pins_.erase(found);
  }
  return bytes;
}

}  // namespace tally::job

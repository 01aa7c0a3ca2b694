// KernelImage: the content of a shared object with kernels, as the daemon keeps it: a
// sealed copy, named by its SHA-256. Whoever owns the file may change it afterwards;
// what workers load is what was hashed. The daemon itself never looks inside.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/kernel.h"

namespace tally::job {

inline constexpr std::uint64_t kMostImageBytes = 64U << 20;
// Of all that are kept at a time, for jobs and for the next ones.
inline constexpr std::uint64_t kMostImagesBytes = 512U << 20;

struct KernelImage {
  model::ImageHash hash{};
  std::string name;                         // "libgeomean.so", for messages
  std::shared_ptr<const UniqueFd> content;  // a memfd, sealed against any change
  std::uint64_t bytes = 0;
};

// Reads images and remembers the last ones by what fstat says of their file, so that a
// kernel that comes with every job is read once. Threads: any; does blocking I/O.
class KernelImageReader {
 public:
  // `most_bytes`: of all images that are kept at a time.
  explicit KernelImageReader(std::uint64_t most_bytes = kMostImagesBytes)
      : most_bytes_(most_bytes) {}

  // Reads from the start of `descriptor`, which is not moved. Errors: InvalidArgument
  // "not_a_kernel" (no regular file, too large), Overloaded "too_many_kernel_bytes",
  // Io.
  Result<std::shared_ptr<const KernelImage>> read(int descriptor, std::string name);

 private:
  // A file whose times are older than its reading has not changed since if they match.
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    off_t bytes = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };
  struct Known {
    Identity identity;
    std::shared_ptr<const KernelImage> image;
  };

  // Bytes of the images that are kept, by whomever. Shared with them.
  struct Room {
    std::atomic<std::uint64_t> bytes{0};
  };

  Result<std::shared_ptr<const KernelImage>> make(int descriptor, std::string name,
                                                  std::uint64_t bytes);

  const std::uint64_t most_bytes_;
  std::shared_ptr<Room> room_ = std::make_shared<Room>();
  std::mutex mutex_;
  std::deque<Known> known_;        // guarded by mutex_; latest first
  std::uint64_t known_bytes_ = 0;  // guarded by mutex_; of known_
};

}  // namespace tally::job

#include "runtime/job/kernel_image.h"

#include <fcntl.h>
#include <sha2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>
#include <vector>

#include "ipc/base/seals.h"
#include "ipc/base/write_all.h"

namespace tally::job {
namespace {

constexpr std::size_t kMostKnown = 64;
constexpr std::uint64_t kMostKnownBytes = 64U << 20;
constexpr std::size_t kBlockBytes = 256U << 10;
// The granularity of a filesystem's times: what changed this lately may change again
// without showing it.
constexpr std::int64_t kSettledNs = 50'000'000;

std::int64_t nanoseconds(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Error not_a_kernel(const std::string& name, const std::string& why) {
  return Error(Errc::InvalidArgument, "not_a_kernel", name + " is no kernel: " + why)
      .with("image", name);
}

Error too_large(const std::string& name) {
  return not_a_kernel(
      name, "it has more than " + std::to_string(kMostImageBytes >> 20) + " MiB");
}

// Copies the file into the memfd and hashes what was copied.
Result<model::ImageHash> copy(int from, int to, const std::string& name,
                              std::uint64_t most) {
  std::vector<std::byte> block(kBlockBytes);
  SHA2_CTX context;
  ::SHA256Init(&context);
  std::uint64_t total = 0;
  for (;;) {
    const ssize_t got =
        ::pread(from, block.data(), block.size(), static_cast<off_t>(total));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno("reading " + name).with("image", name);
    if (got == 0) break;
    total += static_cast<std::uint64_t>(got);
    if (total > most) return not_a_kernel(name, "it grew while it was read");
    const auto size = static_cast<std::size_t>(got);
    ::SHA256Update(&context, reinterpret_cast<const std::uint8_t*>(block.data()), size);
    if (Result<void> kept =
            write_all(to, std::span(block).first(size), "keeping a kernel");
        !kept)
      return std::move(kept).error();
  }
  model::ImageHash hash;
  static_assert(sizeof hash == SHA256_DIGEST_LENGTH);
  ::SHA256Final(reinterpret_cast<std::uint8_t*>(hash.data()), &context);
  return hash;
}

}  // namespace

// `bytes` is what there is to be; a file that grows meanwhile is refused by copy().
Result<std::shared_ptr<const KernelImage>> KernelImageReader::make(
    int descriptor, std::string name, std::uint64_t bytes) {
  const std::uint64_t held = room_->bytes.fetch_add(bytes) + bytes;
  const auto leave = [room = room_, bytes](const KernelImage* image) {
    delete image;
    room->bytes.fetch_sub(bytes);
  };
  // From here on the bytes are given back with the image.
  std::shared_ptr<KernelImage> image(new KernelImage, leave);
  if (held > most_bytes_)
    return Error(Errc::Overloaded, "too_many_kernel_bytes",
                 "the kernel files of all jobs have more than " +
                     std::to_string(most_bytes_ >> 20) +
                     " MiB together; try again a little later")
        .with("limit", static_cast<std::int64_t>(most_bytes_))
        .with("in_use", static_cast<std::int64_t>(held - bytes));
  UniqueFd content(static_cast<int>(
      ::syscall(SYS_memfd_create, "tally-kernel", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  if (!content) return Error::from_errno("memfd_create");
  const Result<model::ImageHash> hash = copy(descriptor, content.get(), name, bytes);
  if (!hash) return hash.error();
  if (!add_seals(content.get(),
                 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
    return Error::from_errno("sealing a kernel");
  image->hash = *hash;
  image->name = std::move(name);
  image->content = std::make_shared<const UniqueFd>(std::move(content));
  image->bytes = bytes;
  return std::shared_ptr<const KernelImage>(std::move(image));
}

Result<std::shared_ptr<const KernelImage>> KernelImageReader::read(int descriptor,
                                                                   std::string name) {
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) return Error::from_errno("looking at " + name);
  if (!S_ISREG(info.st_mode)) return not_a_kernel(name, "it is no regular file");
  if (static_cast<std::uint64_t>(info.st_size) > kMostImageBytes)
    return too_large(name);
  const Identity identity{info.st_dev, info.st_ino, info.st_size,
                          nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(known_.begin(), known_.end(), [&](const Known& known) {
          return known.identity == identity && known.image->name == name;
        });
    if (found != known_.end()) return found->image;
  }
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  auto image =
      make(descriptor, std::move(name), static_cast<std::uint64_t>(info.st_size));
  const bool settled = std::max(identity.modified_ns, identity.changed_ns) <
                       nanoseconds(now) - kSettledNs;
  if (image && settled) {
    const std::lock_guard lock(mutex_);
    known_.push_front({identity, *image});
    known_bytes_ += (*image)->bytes;
    while (known_.size() > kMostKnown || known_bytes_ > kMostKnownBytes) {
      known_bytes_ -= known_.back().image->bytes;
      known_.pop_back();
    }
  }
  return image;
}

}  // namespace tally::job

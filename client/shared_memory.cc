#include "client/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "ipc/base/seals.h"

namespace tally::client {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr const char* kReservedFree =
    "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";
constexpr const char* kTransparent =
    "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
constexpr const char* kTransparentOfSize =
    "/sys/kernel/mm/transparent_hugepage/hugepages-2048kB/shmem_enabled";

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::size_t free_reserved_pages() {
  const std::string text = first_line(kReservedFree);
  return text.empty() ? 0 : std::strtoull(text.c_str(), nullptr, 10);
}

// The kernel shows what is chosen as "always within_size advise [never]".
bool transparent_pages_allowed() {
  std::string chosen = first_line(kTransparentOfSize);
  if (chosen.empty() || chosen.find("[inherit]") != std::string::npos)
    chosen = first_line(kTransparent);
  for (const char* yes : {"[always]", "[within_size]", "[advise]", "[force]"})
    if (chosen.find(yes) != std::string::npos) return true;
  return false;
}

int make_memfd(unsigned flags) {
  return ::memfd_create("tally-array", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
}

void lower(std::atomic<Nanoseconds>& to, Nanoseconds value) {
  Nanoseconds seen = to;
  while (value < seen && !to.compare_exchange_weak(seen, value)) {
  }
}

void raise(std::atomic<Nanoseconds>& to, Nanoseconds value) {
  Nanoseconds seen = to;
  while (value > seen && !to.compare_exchange_weak(seen, value)) {
  }
}

}  // namespace

Result<SharedMemory> SharedMemory::make(std::size_t bytes) {
  SharedMemory made;
  if (made.try_reserved_pages(bytes)) return made;
  if (Result<void> plain = made.make_plain(bytes); !plain)
    return std::move(plain).error();
  return made;
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      map_(std::exchange(other.map_, nullptr)),
      mapped_(other.mapped_),
      sealed_(other.sealed_),
      huge_pages_(other.huge_pages_),
      copied_bytes_(other.copied_bytes_.load()),
      copy_begin_(other.copy_begin_.load()),
      copy_end_(other.copy_end_.load()) {}

SharedMemory::~SharedMemory() {
  if (map_ != nullptr) ::munmap(map_, mapped_);
}

// Mapping reserves the pages: what was free a moment ago may be gone.
bool SharedMemory::try_reserved_pages(std::size_t bytes) {
  if (bytes < kHugePage || bytes > ~kHugePage) return false;
  const std::size_t pages = (bytes + kHugePage - 1) / kHugePage;
  if (free_reserved_pages() < pages) return false;
  mapped_ = pages * kHugePage;
  fd_.reset(make_memfd(MFD_HUGETLB));
  if (!fd_ || ::ftruncate(fd_.get(), static_cast<off_t>(mapped_)) != 0 ||
      !map_writable())
    return false;
  huge_pages_ = HugePages::Reserved;
  return true;
}

Result<void> SharedMemory::make_plain(std::size_t bytes) {
  mapped_ = bytes;
  fd_.reset(make_memfd(0));
  if (!fd_) return Error::from_errno("memfd_create");
  if (::ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0)
    return Error::from_errno("an array of " + std::to_string(bytes) + " bytes");
  if (bytes == 0) return {};
  if (!map_writable())
    return Error::from_errno("mapping an array of " + std::to_string(bytes) + " bytes");
  if (bytes >= kHugePage && transparent_pages_allowed() &&
      ::madvise(map_, bytes, MADV_HUGEPAGE) == 0)
    huge_pages_ = HugePages::Transparent;
  return {};
}

bool SharedMemory::map_writable() {
  void* const at =
      ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (at == MAP_FAILED) return false;
  map_ = at;
  return true;
}

Result<void> SharedMemory::write(std::size_t offset, const void* from,
                                 std::size_t bytes) {
  if (bytes == 0) return {};
  lower(copy_begin_, monotonic_ns());
  Result<void> written;
  if (huge_pages_ == HugePages::Reserved)  // hugetlbfs has no write()
    std::memcpy(static_cast<std::byte*>(map_) + offset, from, bytes);
  else
    written = write_through(offset, static_cast<const std::byte*>(from), bytes);
  raise(copy_end_, monotonic_ns());
  if (written) copied_bytes_ += bytes;
  return written;
}

Result<void> SharedMemory::write_through(std::size_t offset, const std::byte* from,
                                         std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t moved = ::pwrite(fd_.get(), from, bytes, static_cast<off_t>(offset));
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) return Error::from_errno("copying into an array");
    const auto step = static_cast<std::size_t>(moved);
    from += step;
    offset += step;
    bytes -= step;
  }
  return {};
}

// The seal needs every writable map gone. Ours is replaced in one step by a private
// read-only one at the same place, so that pointers into it stay good; should the seal
// fail, in one step back: the bytes lie in the memfd all the while, none is lost.
Result<void> SharedMemory::seal() {
  if (sealed_) return {};
  // A private map of reserved pages would reserve as many again, to copy to.
  if (map_ != nullptr &&
      ::mmap(map_, mapped_, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
             fd_.get(), 0) == MAP_FAILED)
    return Error::from_errno("mapping an array read-only");
  if (add_seals(fd_.get(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)) {
    sealed_ = true;
    return {};
  }
  const int number = errno;
  if (map_ != nullptr && ::mmap(map_, mapped_, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_FIXED, fd_.get(), 0) == MAP_FAILED)
    return Error::from_errno("mapping an array writable again");
  if (number == EBUSY)
    return Error(
        Errc::Overloaded, "array_in_use",
        "the array is mapped writable by somebody else too (a forked child, or "
        "who got its descriptor) or a device writes to it; it stays writable");
  errno = number;
  return Error::from_errno("sealing an array");
}

}  // namespace tally::client

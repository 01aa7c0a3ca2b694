#include "ipc/sync/region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <new>
#include <string>

namespace tally::sync {
namespace {

constexpr std::uint64_t kMagic = 0x31434e5953594c54;  // "TLYSYNC1"
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kLine = 64;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 40;
constexpr std::uint32_t kMaxCount = 65'536;  // of participants, and of names
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

constexpr std::uint64_t up_to_line(std::uint64_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine;
}

constexpr std::uint64_t kSlotsOffset = up_to_line(sizeof(RegionHeader));
static_assert(kSlotsOffset == 128 && offsetof(RegionHeader, registry) == 32 &&
              offsetof(RegionHeader, name_count) == 72 && sizeof(NameEntry) == 88);
static_assert(sizeof(ParticipantSlot) <= kLine && sizeof(NameEntry) % 8 == 0);

std::uint64_t entries_offset(std::uint32_t participants) {
  return kSlotsOffset + participants * kLine;
}

std::uint64_t objects_at(std::uint32_t participants, std::uint32_t names) {
  return up_to_line(entries_offset(participants) +
                    std::uint64_t{names} * sizeof(NameEntry));
}

bool fits(std::uint64_t bytes, std::uint32_t participants, std::uint32_t names) {
  return participants > 0 && participants <= kMaxCount && names > 0 &&
         names <= kMaxCount && bytes <= kMaxBytes &&
         bytes >= objects_at(participants, names);
}

Result<std::byte*> map_shared(int fd, std::uint64_t bytes) {
  void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return Error::from_errno("mmap of a sync region");
  return static_cast<std::byte*>(at);
}

}  // namespace

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::Lock: return "lock";
    case Kind::RLock: return "rlock";
    case Kind::Condition: return "condition";
    case Kind::Event: return "event";
    case Kind::Semaphore: return "semaphore";
    case Kind::Queue: return "queue";
    case Kind::Pipe: return "pipe";
  }
  return "unknown kind";
}

Error region_damaged(const char* what) {
  return Error(Errc::InvalidData, "region_damaged",
               std::string("the sync region is damaged: ") + what);
}

Result<UniqueFd> Region::create(const RegionOptions& options) {
  if (!fits(options.bytes, options.participants, options.names))
    return Error(Errc::InvalidArgument, "region_size",
                 "a sync region of " + std::to_string(options.bytes) +
                     " bytes does not hold " + std::to_string(options.participants) +
                     " participants and " + std::to_string(options.names) + " names");
  UniqueFd fd(::memfd_create("tally-sync", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return Error::from_errno("memfd_create");
  if (::ftruncate(fd.get(), static_cast<off_t>(options.bytes)) != 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0)
    return Error::from_errno("size of a sync region");
  Result<std::byte*> base = map_shared(fd.get(), options.bytes);
  if (!base) return std::move(base).error();

  RegionHeader& header = *new (*base) RegionHeader{};  // all else is zero, and means so
  header.magic = kMagic;
  header.version = kVersion;
  header.participants = options.participants;
  header.bytes = options.bytes;
  header.names = options.names;
  header.registry.init();
  ::munmap(*base, options.bytes);
  return fd;
}

Result<std::unique_ptr<Region>> Region::map(int fd) {
  struct stat file {};
  if (::fstat(fd, &file) != 0) return Error::from_errno("fstat of a sync region");
  const int seals = ::fcntl(fd, F_GET_SEALS);
  // Without the seals somebody could shrink it under us: SIGBUS.
  if (seals < 0 || (seals & kSeals) != kSeals)
    return region_damaged("it is not sealed");
  const auto bytes = static_cast<std::uint64_t>(file.st_size);
  if (bytes < sizeof(RegionHeader)) return region_damaged("it is too short");
  Result<std::byte*> base = map_shared(fd, bytes);
  if (!base) return std::move(base).error();

  // Read once: what another process writes later does not move our bounds.
  const auto& header = *reinterpret_cast<const RegionHeader*>(*base);
  const std::uint32_t participants = header.participants, names = header.names;
  std::unique_ptr<Region> region(new Region(*base, bytes, participants, names));
  if (header.magic != kMagic) return region_damaged("it has another magic number");
  if (header.version != kVersion) return region_damaged("it has another version");
  if (header.bytes != bytes || !fits(bytes, participants, names))
    return region_damaged("its header does not fit its size");
  return region;
}

Region::~Region() {
  ::munmap(base_, bytes_);
}

std::uint64_t Region::objects_offset() const noexcept {
  return objects_at(participants_, names_);
}

ParticipantSlot& Region::slot(std::uint32_t index) const noexcept {
  TALLY_CHECK(index < participants_);
  return *reinterpret_cast<ParticipantSlot*>(base_ + kSlotsOffset + index * kLine);
}

NameEntry& Region::entry(std::uint32_t index) const noexcept {
  TALLY_CHECK(index < names_);
  return *reinterpret_cast<NameEntry*>(base_ + entries_offset(participants_) +
                                       index * sizeof(NameEntry));
}

std::byte* Region::object(const NameEntry& entry, std::uint64_t bytes) const noexcept {
  const std::uint64_t offset = entry.offset;
  if (entry.bytes != bytes || offset % kLine != 0 || offset < objects_offset() ||
      offset > bytes_ || bytes > bytes_ - offset)
    return nullptr;
  return base_ + offset;
}

}  // namespace tally::sync

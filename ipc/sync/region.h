// Region: the memory that a job's locks, queues and pipes live in.
//
// One memfd of fixed size, sealed against growing and shrinking, mapped shared by every
// process that takes part. It begins with a header, then come one slot for each
// participant, the table of names, and the objects; README.md has the layout. It goes
// away with the last descriptor and mapping of it.
//
// Trust: whoever maps it may write anything anywhere. What is read from it is checked
// against its bounds before use; sizes are read once, when it is mapped.
// Threads: any, but the mapping must outlive every Participant in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/sync/futex.h"
#include "ipc/sync/robust_mutex.h"

namespace tally::sync {

struct RegionOptions {
  std::uint64_t bytes = 4 << 20;     // of all; only what is touched costs memory
  std::uint32_t participants = 256;  // at once
  std::uint32_t names = 128;
};

inline constexpr std::size_t kNameBytes = 47;  // of the longest name

enum class Kind : std::uint32_t {
  Lock = 1,
  RLock,
  Condition,
  Event,
  Semaphore,
  Queue,
  Pipe
};
inline constexpr std::uint32_t kLastKind = 7;
const char* name_of(Kind kind);

struct RegionHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t participants;
  std::uint64_t bytes;
  std::uint32_t names;
  Word closed;           // 1: the job is over, nobody waits any more
  RobustMutex registry;  // guards what follows, the slots and additions to the table
  Word name_count;       // entries that are complete; raised last
};

// A participant holds `life` from its attach to its end: whoever finds it without an
// owner has found a death.
struct ParticipantSlot {
  RobustMutex life;
  Word attached;
  std::uint32_t initialised;  // `life` is
};

// Written once, before name_count counts it.
struct NameEntry {
  char name[kNameBytes + 1];  // ends with zeros
  Kind kind;
  std::uint32_t unused;
  std::uint64_t offset, bytes;  // of the object
  std::uint64_t first, second;  // what it was made with, by kind
};

class Region {
 public:
  // A new one, for passing on by descriptor; nothing stays mapped.
  // Fails with invalid_argument if the sizes do not fit together, io.
  static Result<UniqueFd> create(const RegionOptions& options);

  // Maps the region behind `fd`, which stays the caller's.
  // Fails with invalid_data "region_damaged" if it is none of ours, io.
  static Result<std::unique_ptr<Region>> map(int fd);

  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // Ends all waits, now and later, in all processes, within a slice: Outcome::Closed.
  void close() noexcept { header().closed.store(1, std::memory_order_release); }
  bool closed() const noexcept {
    return header().closed.load(std::memory_order_acquire) != 0;
  }

  std::uint32_t participants() const noexcept { return participants_; }
  std::uint32_t names() const noexcept { return names_; }
  std::uint64_t bytes() const noexcept { return bytes_; }
  std::uint64_t objects_offset() const noexcept;

  RegionHeader& header() const noexcept {
    return *reinterpret_cast<RegionHeader*>(base_);
  }
  ParticipantSlot& slot(std::uint32_t index) const noexcept;  // index < participants()
  NameEntry& entry(std::uint32_t index) const noexcept;       // index < names()

  // Where the entry's object is; nullptr if its offset and size are not in the region
  // or its size is not `bytes`.
  std::byte* object(const NameEntry& entry, std::uint64_t bytes) const noexcept;

 private:
  Region(std::byte* base, std::uint64_t bytes, std::uint32_t participants,
         std::uint32_t names)
      : base_(base), bytes_(bytes), participants_(participants), names_(names) {}

  std::byte* const base_;
  const std::uint64_t bytes_;
  const std::uint32_t participants_;
  const std::uint32_t names_;
};

// What every damaged field is reported as.
Error region_damaged(const char* what);

}  // namespace tally::sync

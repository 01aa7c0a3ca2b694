// The sweep: what a participant leaves behind when it ends is given back.
//
// Per kind: lock and rlock (only when it detached: of a dead owner the kernel tells),
// the permits of semaphores, the notification that a condition's waiter had got, the
// end of a pipe. README.md says what the others then see.
#pragma once

#include <cstdint>

#include "ipc/sync/region.h"

namespace tally::sync {

enum class Left { Died, Detached };

// The registry is held by the caller, and no object's guard. May be repeated.
void forget_participant(const Region& region, std::uint32_t slot, std::uint64_t id,
                        Left how);

// The part of it that must be done by the thread itself: a robust mutex may not be
// unmapped while it is held.
void release_locks(const Region& region, std::uint64_t id);

}  // namespace tally::sync

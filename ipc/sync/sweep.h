// The sweep: what a participant leaves behind when it ends is given back.
//
// Locks, the permits of semaphores, the notification that a condition's waiter had got,
// the ends of pipes. README.md says what the others then see.
#pragma once

#include <cstdint>

#include "ipc/sync/region.h"

namespace tally::sync {

enum class Left { Died, Detached };

// The registry is held by the caller, and no object's guard. May be repeated.
void forget_participant(const Region& region, std::uint32_t slot, Left how);

}  // namespace tally::sync

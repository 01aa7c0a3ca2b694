// Landlock: a worker reaches no file by its path, but to read the system's libraries,
// which a kernel may need when it is loaded. Descriptors that it was given work on.
//
// From version 4 of its ABI no TCP either, from 6 no signal and no abstract socket of
// processes outside. glibc 2.36 has no wrappers and Debian 12's header no newer bits,
// so both are here.
#pragma once

#include <cstdint>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"

namespace tally::exec {

// The version of the kernel's ABI; 0: it has no Landlock, or not enabled.
std::uint32_t landlock_abi();

// All that `abi` knows denied, with the exception above. Made once, entered by many.
Result<UniqueFd> landlock_ruleset(std::uint32_t abi);

// Precondition: no new privileges. For good, and for all that this process forks.
Result<void> enter_landlock(const UniqueFd& ruleset);

}  // namespace tally::exec

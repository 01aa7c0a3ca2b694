// add_seals: what a memfd holds stays as it is from now on.
#pragma once

namespace tally {

// Adds `seals`, of F_SEAL_*, to a memfd. False with errno as of fcntl(2). EBUSY, of
// F_SEAL_WRITE: it is mapped writable, or its pages are in use by others than maps (a
// device's transfer, a pipe) and stayed so for about a second. Blocks meanwhile.
bool add_seals(int fd, int seals);

}  // namespace tally

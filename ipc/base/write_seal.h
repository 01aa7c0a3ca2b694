// add_write_seal: what a memfd holds stays as it is from now on.
#pragma once

namespace tally {

// Adds F_SEAL_WRITE and `others` of F_SEAL_* to a memfd. False with errno as of
// fcntl(2). EBUSY: it is mapped writable, or its pages are in use by others than maps
// (a device's transfer, a pipe) and stayed so for about a second. Blocks meanwhile.
bool add_write_seal(int fd, int others);

}  // namespace tally

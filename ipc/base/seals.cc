#include "ipc/base/seals.h"

#include <fcntl.h>

#include <cerrno>

namespace tally {
namespace {

// The kernel takes a page that anything but a map refers to for one that may still be
// written, waits up to 150 ms for it, and refuses then (mm/memfd.c,
// memfd_wait_for_pins). Its own housekeeping refers to pages too, on a busy machine for
// longer than that. A writable map is refused at once: asking again costs nothing.
constexpr int kTries = 7;

}  // namespace

bool add_seals(int fd, int seals) {
  for (int tried = 1; ::fcntl(fd, F_ADD_SEALS, seals) != 0; ++tried)
    if (errno != EBUSY || tried == kTries) return false;
  return true;
}

}  // namespace tally

// For threads and processes that compute: the loop that serves clients goes before
// them.
//
// A thread that becomes ready may wait until one of its own priority has had its slice
// of the core, 3 ms, at every request, where long jobs keep all cores busy. The loop
// works for microseconds at a time and needs no slice.
//
// What is started inherits it, and without privileges it cannot be taken back.
#pragma once

#include <sys/resource.h>

namespace tally {

// Enough that the loop is let in at once. Where other programs of the same cgroup keep
// the cores busy too, a job's thread has a third of the time that one of theirs has.
inline constexpr int kNiceSteps = 5;

// The niceness of what gives way to the calling thread. (Linux: a thread has its own.)
inline int niceness_behind() {
  return ::getpriority(PRIO_PROCESS, 0) + kNiceSteps;
}

// Of the calling thread, from now on.
inline void give_way(int niceness) {
  ::setpriority(PRIO_PROCESS, 0, niceness);
}

}  // namespace tally

// For threads and processes that compute: who serves, and any other program that is in
// a hurry, goes before them.
//
// A thread that becomes ready may wait until one of its own priority has had its slice
// of the core, milliseconds at every request, where long jobs keep all cores busy. Five
// steps of `nice` let it in at once, and leave a job's thread a third of the time of
// another program that keeps the cores busy, too.
//
// It has a price where nobody waits: the kernel puts wake-ups of those behind on other
// cores more often, 20 to 30 us each. So it is for what takes long. To go back takes
// privileges, or RLIMIT_NICE (LimitNICE= of a unit): without, a thread stays behind.
#pragma once

namespace tally {

inline constexpr int kNiceSteps = 5;

// Of the calling thread. (Linux: each has its own.)
int own_niceness();

// The calling thread, for as long as this lives. `own` is its niceness otherwise.
class GivingWay {
 public:
  explicit GivingWay(int own);
  ~GivingWay();
  GivingWay(const GivingWay&) = delete;
  GivingWay& operator=(const GivingWay&) = delete;

 private:
  const int own_;
};

}  // namespace tally

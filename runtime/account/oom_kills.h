// OomKills: how many processes of our cgroup the kernel has killed for want of memory.
//
// The one evidence that a SIGKILL was the out-of-memory killer's: the oom_kill counter
// of memory.events (cgroup v2) or memory.oom_control (v1), which rises before its
// victim is gone, also where the memory of a group above, or of the machine, had run
// out. It counts every process of the group, so what it says is told with it.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/clock.h"

namespace tally::account {

class OomKills {
 public:
  // What rose longer ago than this, or since, may have been anybody.
  static constexpr Nanoseconds kFresh = 10'000'000'000;

  // Of this process's own group. Reads /proc/self/cgroup.
  static OomKills own();
  // `groups`: the text of /proc/self/cgroup; `mount`: "/sys/fs/cgroup".
  static OomKills of(std::string_view groups, const std::string& mount,
                     Nanoseconds now_ns);

  // Now and then, while there are victims to be: what rose before the look before this
  // one is no evidence any more, nor what rose while nobody looked.
  void look(Nanoseconds now_ns);

  struct Evidence {
    bool rose = false;    // and is used up: the next death needs another rise
    std::string checked;  // "oom_kill of /sys/…/memory.events stood at 3"
  };
  Evidence at_death(Nanoseconds now_ns);

 private:
  struct Look {
    std::optional<std::uint64_t> count;
    Nanoseconds at_ns = 0;
  };
  OomKills(std::string file, Nanoseconds now_ns);
  std::optional<std::uint64_t> read() const;

  std::string file_;  // empty: there is none to read
  Look before_last_;
  Look last_;
};

}  // namespace tally::account

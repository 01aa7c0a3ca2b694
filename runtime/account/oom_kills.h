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

namespace tally::account {

class OomKills {
 public:
  // Of this process's own group. Reads /proc/self/cgroup.
  static OomKills own();
  // `groups`: the text of /proc/self/cgroup; `mount`: "/sys/fs/cgroup".
  static OomKills of(std::string_view groups, const std::string& mount);

  // Now and then: what rose before the look before this one is no evidence any more.
  void look();

  struct Evidence {
    bool rose = false;    // and is used up: the next death needs another rise
    std::string checked;  // "oom_kill of /sys/…/memory.events stood at 3"
  };
  Evidence at_death();

 private:
  explicit OomKills(std::string file);
  std::optional<std::uint64_t> read() const;

  std::string file_;  // empty: there is none to read
  std::optional<std::uint64_t> before_last_;
  std::optional<std::uint64_t> last_;
};

}  // namespace tally::account

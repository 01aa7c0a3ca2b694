#include "runtime/account/process_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "ipc/base/unique_fd.h"

namespace tally::account {

char state_in_stat(std::string_view stat) {
  // The name, in parentheses, may hold anything.
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= stat.size()) return '\0';
  return stat[name_end + 2];
}

char process_state(std::uint32_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return '\0';
  char text[128];  // the name has at most 64 bytes
  const ssize_t size = ::read(fd.get(), text, sizeof text);
  if (size <= 0) return '\0';
  return state_in_stat({text, static_cast<std::size_t>(size)});
}

std::string_view state_word(char state) {
  switch (state) {
    case 'R': return "running";
    case 'S': return "sleeping";
    case 'D': return "waiting for a device";
    case 'T': return "stopped";
    case 't': return "traced";
    case 'Z': return "dead, not reaped";
    default: return "in a state that is not known";
  }
}

}  // namespace tally::account

#include "runtime/exec/fault_points.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/check.h"

namespace tally::exec {
namespace {

struct Fault {
  std::string point;
  std::string action;
  std::optional<std::uint64_t> chunk;
  std::optional<std::uint64_t> attempt;
  std::optional<std::uint64_t> round;
  std::optional<std::uint64_t> block;
  std::optional<std::uint64_t> leaf;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  for (;;) {
    const std::size_t to = text.find(separator, from);
    parts.push_back(text.substr(from, to - from));
    if (to == std::string::npos) return parts;
    from = to + 1;
  }
}

Fault parse(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  TALLY_CHECK(parts.size() >= 2);
  Fault fault{parts[0], parts[1], {}, {}, {}, {}, {}};
  for (std::size_t i = 2; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    TALLY_CHECK(equals != std::string::npos);
    std::uint64_t number = 0;
    const char* end = parts[i].data() + parts[i].size();
    TALLY_CHECK(std::from_chars(parts[i].data() + equals + 1, end, number).ptr == end);
    const std::string name = parts[i].substr(0, equals);
    if (name == "chunk")
      fault.chunk = number;
    else if (name == "attempt")
      fault.attempt = number;
    else if (name == "round")
      fault.round = number;
    else if (name == "block")
      fault.block = number;
    else if (name == "leaf")
      fault.leaf = number;
    else
      TALLY_CHECK(false && "a known condition");
  }
  return fault;
}

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all = [] {
    std::vector<Fault> parsed;
    const char* text = std::getenv("TALLY_FAULT");
    if (text != nullptr && *text != '\0')
      for (const std::string& one : split(text, ';')) parsed.push_back(parse(one));
    return parsed;
  }();
  return all;
}

// Page by page, down to the guard page and on.
[[noreturn]] void overflow_stack() {
  for (;;) {
    auto* const page = static_cast<volatile char*>(__builtin_alloca(4096));
    page[0] = 1;
  }
}

[[noreturn]] void run_out_of_memory() {
  rlimit before{};
  TALLY_CHECK(::getrlimit(RLIMIT_DATA, &before) == 0);
  const rlimit none{1, before.rlim_max};  // 0 means another thing to Linux
  TALLY_CHECK(::setrlimit(RLIMIT_DATA, &none) == 0);
  void* const memory = ::operator new (std::size_t{1} << 30, std::nothrow);
  TALLY_CHECK(::setrlimit(RLIMIT_DATA, &before) == 0);
  TALLY_CHECK(memory == nullptr);
  throw std::bad_alloc();
}

Distortion act(const std::string& action) {
  if (action == "kill")
    ::kill(::getpid(), SIGKILL);
  else if (action == "stop")
    ::kill(::getpid(), SIGSTOP);
  else if (action == "segv")
    ::raise(SIGSEGV);
  else if (action == "bus")
    ::raise(SIGBUS);
  else if (action == "stack")
    overflow_stack();
  else if (action == "memory")
    run_out_of_memory();
  else if (action == "descriptors")
    while (::dup(STDERR_FILENO) >= 0) {
    }
  else if (action == "denied")
    (void)::socket(AF_INET, SOCK_STREAM, 0);
  else if (action == "spin")
    for (volatile int i = 0;;) i = 1 - i;
  else if (action == "deaf")
    for (::signal(SIGTERM, SIG_IGN);;) ::pause();
  else if (action == "abort")
    std::abort();
  else if (action == "exit0")
    ::_exit(0);
  else if (action == "exit1")
    ::_exit(1);
  else if (action == "hang")
    for (;;) ::pause();
  else if (action == "drop")
    return Distortion::Drop;
  else if (action == "repeat")
    return Distortion::Repeat;
  else if (action == "add")
    return Distortion::Add;
  else
    TALLY_CHECK(false && "a known action");
  return Distortion::None;
}

bool meets(const std::optional<std::uint64_t>& condition, std::uint64_t value) {
  return !condition || *condition == value;
}

}  // namespace

void fault_half_way(int link, std::span<const std::byte> frame,
                    const model::ChunkKey& key) {
  for (const Fault& fault : faults()) {
    if (fault.point != "half_partial" || !meets(fault.chunk, key.chunk) ||
        !meets(fault.attempt, key.attempt) || !meets(fault.round, key.round))
      continue;
    // A packet as send_packets() makes it, but not the last one (ipc/packet.h).
    const std::uint16_t words[2] = {0x5754, 0};
    const auto total = static_cast<std::uint32_t>(frame.size());
    std::vector<std::byte> packet(8 + frame.size() / 2);
    std::memcpy(packet.data(), words, 4);
    std::memcpy(packet.data() + 4, &total, 4);
    std::memcpy(packet.data() + 8, frame.data(), frame.size() / 2);
    TALLY_CHECK(::send(link, packet.data(), packet.size(), 0) > 0);
    act(fault.action);
  }
}

Distortion fault_point(std::string_view point, const model::ChunkKey& key,
                       std::uint64_t block, std::uint64_t leaf) {
  for (const Fault& fault : faults())
    if (fault.point == point && meets(fault.chunk, key.chunk) &&
        meets(fault.attempt, key.attempt) && meets(fault.round, key.round) &&
        meets(fault.block, block) && meets(fault.leaf, leaf))
      return act(fault.action);
  return Distortion::None;
}

}  // namespace tally::exec

#include "runtime/account/oom_kills.h"

#include <fstream>
#include <iterator>
#include <utility>

namespace tally::account {
namespace {

bool has(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == wanted) return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<std::uint64_t> counter_in(const std::string& path) {
  std::ifstream file(path);
  std::string name;
  std::uint64_t value = 0;
  while (file >> name >> value)
    if (name == "oom_kill") return value;
  return std::nullopt;
}

}  // namespace

OomKills OomKills::own() {
  std::ifstream file("/proc/self/cgroup");
  const std::string groups{std::istreambuf_iterator<char>(file), {}};
  return of(groups, "/sys/fs/cgroup", monotonic_ns());
}

OomKills OomKills::of(std::string_view groups, const std::string& mount,
                      Nanoseconds now_ns) {
  std::string v2;
  std::string v1;
  while (!groups.empty()) {
    const std::size_t end = groups.find('\n');
    const std::string_view line = groups.substr(0, end);
    groups.remove_prefix(end == std::string_view::npos ? groups.size() : end + 1);
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string group(line.substr(second + 1));
    if (controllers.empty()) v2 = mount + group + "/memory.events";
    if (has(controllers, "memory"))
      v1 = mount + "/memory" + group + "/memory.oom_control";
  }
  // The memory controller is in one hierarchy: where both are named, v1 has it.
  if (!v1.empty() && counter_in(v1)) return OomKills(std::move(v1), now_ns);
  if (!v2.empty() && counter_in(v2)) return OomKills(std::move(v2), now_ns);
  return OomKills("", now_ns);
}

OomKills::OomKills(std::string file, Nanoseconds now_ns)
    : file_(std::move(file)), before_last_{read(), now_ns}, last_(before_last_) {}

std::optional<std::uint64_t> OomKills::read() const {
  if (file_.empty()) return std::nullopt;
  return counter_in(file_);
}

void OomKills::look(Nanoseconds now_ns) {
  before_last_ = std::exchange(last_, {read(), now_ns});
  if (now_ns - before_last_.at_ns > kFresh) before_last_ = last_;
}

OomKills::Evidence OomKills::at_death(Nanoseconds now_ns) {
  if (file_.empty()) return {false, "no oom_kill counter of our cgroup can be read"};
  const std::optional<std::uint64_t> now = read();
  auto& before = before_last_.count;
  if (!now || !before) return {false, file_ + " cannot be read"};
  if (*now <= *before)
    return {false, "oom_kill of " + file_ + " stood at " + std::to_string(*now)};
  const std::string rose = "oom_kill of " + file_ + " rose from " +
                           std::to_string(*before) + " to " + std::to_string(*now);
  const Nanoseconds age_ns = now_ns - before_last_.at_ns;
  if (age_ns > kFresh)
    return {false, rose + ", but within " + std::to_string(age_ns / 1'000'000'000) +
                       " s, so it may have been for another"};
  ++*before;
  if (!last_.count || *last_.count < *before) last_.count = before;
  return {true, rose};
}

}  // namespace tally::account

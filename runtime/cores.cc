#include "runtime/cores.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace tally {
namespace {

std::uint32_t affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
}

std::optional<double> quota_v2(const std::string& directory) {
  std::ifstream file(directory + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return std::nullopt;
  return std::strtod(quota.c_str(), nullptr) / period;
}

std::optional<double> quota_v1(const std::string& directory) {
  std::ifstream quota_file(directory + "/cpu.cfs_quota_us");
  std::ifstream period_file(directory + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

// The tightest quota from `group` up to the root of the hierarchy mounted at `mount`.
template <typename Read>
std::optional<double> tightest(const std::string& mount, std::string group, Read read) {
  std::optional<double> least;
  for (;;) {
    const std::optional<double> here = read(mount + group);
    if (here && (!least || *here < *least)) least = here;
    const std::size_t slash = group.find_last_of('/');
    if (group.empty() || group == "/" || slash == std::string::npos) return least;
    group.resize(slash);
  }
}

std::optional<double> cgroup_quota() {
  std::ifstream groups("/proc/self/cgroup");
  std::string line;
  std::optional<double> least;
  while (std::getline(groups, line)) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers =
        "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string group = line.substr(second + 1);
    std::optional<double> here;
    if (controllers == ",,")
      here = tightest("/sys/fs/cgroup", group, quota_v2);
    else if (controllers.find(",cpu,") != std::string::npos)
      here = tightest("/sys/fs/cgroup/cpu", group, quota_v1);
    if (here && (!least || *here < *least)) least = here;
  }
  return least;
}

}  // namespace

UsableCores usable_cores(std::uint32_t configured) {
  UsableCores cores;
  cores.count = affinity_cores();
  cores.bounds.push_back({"affinity", static_cast<double>(cores.count)});
  if (const std::optional<double> quota = cgroup_quota()) {
    cores.bounds.push_back({"cgroup quota", *quota});
    const auto whole = static_cast<std::uint32_t>(std::max(1.0, std::ceil(*quota)));
    cores.count = std::min(cores.count, whole);
  }
  if (configured != 0) {
    cores.bounds.push_back({"configuration", static_cast<double>(configured)});
    cores.count = std::min(cores.count, configured);
  }
  return cores;
}

}  // namespace tally

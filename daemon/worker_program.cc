#include "daemon/worker_program.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <vector>

namespace tally::daemon {

Result<std::string> find_worker_program(const std::string& configured) {
  namespace fs = std::filesystem;
  std::vector<fs::path> places;
  if (!configured.empty()) {
    places.emplace_back(configured);
  } else {
    std::error_code error;
    const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
    places.push_back(here / "tally-worker");
    places.push_back(here.parent_path() / "libexec" / "tally" / "tally-worker");
  }
  std::string looked;
  for (const fs::path& place : places) {
    if (::access(place.c_str(), X_OK) == 0) return place.string();
    looked += (looked.empty() ? "" : ", ") + place.string();
  }
  return Error(Errc::NotFound, "no_worker_program",
               "no tally-worker program (looked at " + looked +
                   "); set worker_program in [pool]");
}

}  // namespace tally::daemon

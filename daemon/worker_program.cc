#include "daemon/worker_program.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <vector>

namespace tally::daemon {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "tally-worker";
constexpr const char* kInLibexec = "libexec/tally/tally-worker";

// The shared library that this code is in; empty if it is in the executable.
fs::path this_library() {
  static constexpr char kHere = 0;
  Dl_info info{};
  link_map* map = nullptr;
  void* const extra = &map;
  if (::dladdr1(&kHere, &info, static_cast<void**>(extra), RTLD_DL_LINKMAP) == 0 ||
      map == nullptr || map->l_name == nullptr || map->l_name[0] == '\0')
    return {};
  return fs::path(map->l_name);
}

// Also without its last folder: lib/x86_64-linux-gnu has libexec two above.
void add_places(std::vector<fs::path>& places, const fs::path& file) {
  if (file.empty()) return;
  std::error_code error;
  const fs::path real = fs::canonical(file, error);
  const fs::path folder = (error ? fs::absolute(file, error) : real).parent_path();
  places.push_back(folder / kName);
  places.push_back(folder.parent_path() / kInLibexec);
  if (folder.parent_path().filename() == "lib")
    places.push_back(folder.parent_path().parent_path() / kInLibexec);
}

}  // namespace

Result<std::string> find_worker_program(const std::string& configured) {
  std::vector<fs::path> places;
  std::error_code error;
  if (!configured.empty()) {
    places.push_back(fs::absolute(configured, error));
  } else {
    add_places(places, this_library());
    add_places(places, "/proc/self/exe");
  }
  std::string looked;
  for (const fs::path& place : places) {
    if (::access(place.c_str(), X_OK) == 0) return place.string();
    looked += (looked.empty() ? "" : ", ") + place.string();
  }
  return Error(Errc::NotFound, "no_worker_program",
               "no tally-worker program (looked at " + looked +
                   "); name it with worker_program");
}

}  // namespace tally::daemon

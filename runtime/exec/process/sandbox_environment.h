// The environment of zygote and workers: an allow list.
//
// Kernels run there, and what a daemon was started with (tokens, paths, the names of
// agents' sockets) is none of their business. Kept are language and time zone, TALLY_*,
// and LD_PRELOAD and LD_LIBRARY_PATH: whoever sets those decides already what runs in
// the daemon. In sanitizer builds also the sanitizers' options.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tally::exec {

// "NAME=value".
bool is_for_workers(std::string_view variable);

std::vector<std::string> worker_environment(std::span<const std::string> all);

}  // namespace tally::exec

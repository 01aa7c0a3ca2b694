// Closer: closes clients' descriptors on a thread of its own.
//
// The last descriptor of a file in memory frees that memory: 256 MiB take 50 ms, in
// which the loop would serve nobody.
//
// Threads: any. Lifetime: shared; what it holds may outlive the engine.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "runtime/exec/path.h"
#include "runtime/exec/thread/thread_pool.h"

namespace tally::job {

class Closer : public std::enable_shared_from_this<Closer> {
 public:
  // Soon, and never here. Whoever lets others bring more looks at is_behind() first:
  // they must not become more than a process may have.
  void close(std::vector<UniqueFd> fds);
  // Very many wait.
  bool is_behind() const { return waiting_ > kMostWaiting; }

  // To be shared; closed when nobody has a share any more.
  std::shared_ptr<const exec::JobFiles> hold(std::vector<UniqueFd> fds);

 private:
  static constexpr std::size_t kMostWaiting = 512;

  std::atomic<std::size_t> waiting_{0};
  exec::ThreadPool pool_{"tally-closer", 1};
};

}  // namespace tally::job

// WorkerProcess: what the daemon holds of one forked worker, from the fork request on.
//
// Moves from successor to slot to retirement as a whole. Destroying it closes the link,
// which ends an idle worker.
#pragma once

#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <set>

#include "ipc/base/unique_fd.h"
#include "ipc/model/chunk_task.h"
#include "runtime/exec/process/mapped_page.h"
#include "runtime/exec/process/worker_age.h"
#include "runtime/exec/process/worker_link.h"
#include "runtime/exec/process/worker_output.h"

namespace tally::exec {

struct WorkerProcess {
  std::uint64_t serial = 0;  // 0: none was ever asked for
  pid_t pid = 0;             // once the zygote told
  UniqueFd pidfd;            // likewise
  std::unique_ptr<WorkerLink> link;
  MappedPage page;
  WorkerOutput output;
  std::set<model::ImageHash> images;  // that it was given
  WorkerAge age;
  bool link_closed = false;
  bool greeted = false;  // its hello has come

  // The hello may overtake the zygote's message, which brings the pid; without that it
  // could be neither shown nor ended.
  bool complete() const { return greeted && pid != 0 && !link_closed; }

  void signal(int number) const {
    if (pidfd) ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0);
  }
};

}  // namespace tally::exec

// kernel_loss: the story of a worker that was lost in a kernel: which, doing what,
// where.
//
// From the words that the worker wrote down before the call; never a guess.
#pragma once

#include <string>

#include "ipc/base/error.h"
#include "runtime/exec/path.h"

namespace tally::job {

struct KernelNames {
  std::string kernel;  // empty while an image is loaded
  std::string image;
  std::string file;  // of the input; empty where it has none
};

// Class WorkerLost; code "kernel_stalled" or "worker_denied_call" where that is the
// cause, else "kernel_crashed"; the cause's fields and kernel, image, call, file,
// first_row, rows, output. Precondition: place.call is not None.
Error kernel_lost(const Error& cause, const exec::KernelPlace& place,
                  const KernelNames& names);

}  // namespace tally::job

// KernelSync: the primitives as kernels see them, client/include/tally/tally_sync.h.
//
// A context is a participant and the handles that it has opened, by name: using a lock
// by its name costs one look-up in a hash table of the process, none in shared memory.
// Threads: a context is attached, used and destroyed by one thread; the table is
// constant and any thread's. Lifetime: the region must outlive the context.
#pragma once

#include <memory>

#include "ipc/sync/region.h"
#include "tally/tally_sync.h"

namespace tally::sync {

struct DeleteContext {
  void operator()(tally_sync_context* context) const noexcept;
};
// What the kernel still holds when it is destroyed is given back as if it had died.
using KernelContext = std::unique_ptr<tally_sync_context, DeleteContext>;

// Fails as Participant::attach() does.
Result<KernelContext> attach_kernel(Region& region);

const tally_sync& kernel_table() noexcept;

}  // namespace tally::sync

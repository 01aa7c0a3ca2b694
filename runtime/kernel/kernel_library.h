// KernelLibrary: a shared object with kernels, loaded and checked.
//
// Loading runs code of the user: constructors and tally_kernels(). It belongs into a
// worker, with the page's call set to Load, so that a crash can be told.
//
// Lifetime: what was loaded stays loaded, and its descriptor open, until the process
// ends. Unloading would gain little and risk much: thread-local destructors, handlers
// at exit, exceptions in flight; and the loader knows objects by their path, which for
// a descriptor is its number.
//
// Threads: any once loaded; load() itself from one at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/include/tally/tally_kernel.h"
#include "ipc/base/result.h"
#include "ipc/model/kernel.h"

namespace tally::kernels {

class KernelLibrary {
 public:
  // `descriptor` is not taken. Errors, with field "image": InvalidArgument
  // "not_a_kernel" (no shared object, or one without tally_kernels),
  // "kernel_not_loaded" (the loader's own words), "kernel_abi", "bad_kernel",
  // "kernel_threw".
  static Result<std::shared_ptr<const KernelLibrary>> load(int descriptor,
                                                           std::string name);

  const std::string& name() const { return name_; }
  const std::vector<model::KernelInfo>& describe() const { return infos_; }

  struct Entry {
    const tally_kernel* table = nullptr;
    const model::KernelInfo* info = nullptr;
  };
  // Entries of null pointers if there is no kernel of that name.
  Entry find(std::string_view kernel) const;

 private:
  KernelLibrary() = default;

  std::string name_;
  std::vector<const tally_kernel*> tables_;
  std::vector<model::KernelInfo> infos_;  // one a table
};

}  // namespace tally::kernels

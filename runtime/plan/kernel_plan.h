// kernel_plan: what a reducer that names a kernel asks for: columns, parameters, types.
//
//   geomean:price            one column, named as for built-in reducers
//   bbox(x,y)                several columns, by position
//   logsum(price, base=2)    an argument with '=' is a parameter
//
// Pure; what the kernel says of itself comes from the worker that loaded it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/job_spec.h"
#include "ipc/model/kernel.h"

namespace tally::plan {

// A kernel that a job may name.
struct KnownKernel {
  model::KernelInfo info;
  model::ImageHash image{};
  std::string image_name;   // "libgeomean.so"
  bool in_process = false;  // the administrator lets it run in the daemon
};

// nullptr if there is none of that name. The first one counts.
const KnownKernel* find_kernel(std::span<const KnownKernel> kernels,
                               const std::string& name);

struct KernelRequest {
  model::KernelTask task;            // but for its columns
  std::vector<std::string> columns;  // selectors, as many as the kernel has
};

// Errors: InvalidArgument "kernel_columns", "unknown_parameter", "missing_parameter",
// "repeated_parameter".
Result<KernelRequest> plan_kernel(const model::ReducerSpec& wanted,
                                  const KnownKernel& kernel);

// Whether elements of `type` can be given to the kernel: as they are, or as f64 (each
// one is checked then). Errors: InvalidArgument "kernel_type".
Result<void> check_type(const model::KernelInfo& kernel, model::ElementType type);

}  // namespace tally::plan

// kernel_table: holds what a shared object says of its kernels against the ABI.
//
// Total as far as memory can be read: every field is checked, every text is bounded. A
// pointer that leads nowhere is a crash of the worker while it loads.
#pragma once

#include <cstddef>
#include <string>

#include "client/include/tally/tally_kernel.h"
#include "ipc/base/result.h"
#include "ipc/model/kernel.h"

namespace tally::kernels {

inline constexpr std::size_t kMaxKernels = 64;  // of one image
inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxSummaryBytes = 256;
inline constexpr std::size_t kMaxParameters = 16;
inline constexpr std::size_t kMaxParameterBytes = 4096;  // of a default value
inline constexpr std::uint32_t kMaxColumns = 16;
inline constexpr std::size_t kMaxStateBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxTravellingBytes = 8 * 1024 * 1024;  // of a state

// What `kernel`, entry `index` of the image called `image`, says of itself. Errors, all
// InvalidArgument with field "image": "kernel_abi" (fields abi, expected_abi);
// "bad_kernel" (fields entry, kernel), which names the field that is wrong.
Result<model::KernelInfo> check_table(const tally_kernel& kernel, std::size_t index,
                                      const std::string& image);

}  // namespace tally::kernels

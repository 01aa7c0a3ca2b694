// The names of a kernel's functions, as messages and reports write them.
#pragma once

#include <string_view>

#include "runtime/exec/chunk_page.h"

namespace tally::kernels {

constexpr std::string_view name_of(exec::KernelCall call) noexcept {
  switch (call) {
    case exec::KernelCall::None: return "none";
    case exec::KernelCall::Load: return "load";
    case exec::KernelCall::Init: return "init";
    case exec::KernelCall::Update: return "update";
    case exec::KernelCall::Merge: return "merge";
    case exec::KernelCall::Finish: return "finish";
    case exec::KernelCall::Serialize: return "serialize";
    case exec::KernelCall::Deserialize: return "deserialize";
    case exec::KernelCall::Destroy: return "destroy";
  }
  return "?";
}

}  // namespace tally::kernels

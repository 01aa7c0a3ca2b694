// MemoryLimit: how much private memory this process may have, for as long as it lives.
//
// Sets RLIMIT_DATA, so that a kernel that leaks meets an allocation that fails, and not
// the machine's OOM killer. Of workers only: it is the whole process's.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>

namespace tally::kernels {

class MemoryLimit {
 public:
  explicit MemoryLimit(std::uint64_t bytes);  // 0: no limit
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  std::optional<rlimit> before_;
};

}  // namespace tally::kernels

// HostRun: our side of a kernel's calls: the functions of tally_kernel_host.
//
// What a kernel asks for is bounded (8 MiB written, 64 outputs, 64 KiB of text) and
// checked; the first thing that is wrong stays, whatever the kernel returns after it.
// Nothing leaves these functions by exception: a kernel may be written in C.
//
// Threads: one. Lifetime: does not move, kernels have its address while they run.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "client/include/tally/tally_kernel.h"
#include "ipc/base/error.h"
#include "ipc/model/kernel.h"
#include "runtime/exec/chunk_page.h"
#include "runtime/kernel/kernel_table.h"

namespace tally::kernels {

class HostRun : public tally_kernel_run {
 public:
  enum class Fault { None, Failed, Misused, NoMemory };
  using Sync = std::function<const tally_sync*(tally_sync_context**)>;

  static constexpr std::size_t kMaxWritten = kMaxTravellingBytes;
  static constexpr std::size_t kMaxOutputs = 64;
  static constexpr std::size_t kMaxOutputText = 64 * 1024;

  // `page` and `parameters` must outlive it. `sync` may be empty.
  HostRun(const std::vector<model::KernelArgument>& parameters,
          const exec::ChunkPage& page, Sync sync);
  HostRun(const HostRun&) = delete;
  HostRun& operator=(const HostRun&) = delete;

  // Before each call.
  void begin(exec::KernelCall call) {
    call_ = call;
    fault_ = Fault::None;
  }
  Fault fault() const { return fault_; }
  const std::string& message() const { return message_; }  // of a fault

  std::vector<std::byte> take_written() { return std::exchange(written_, {}); }
  std::vector<model::KernelOutput> take_outputs() {
    return std::exchange(outputs_, {});
  }

 private:
  friend struct HostTable;

  int fault(Fault fault, std::string message);
  int misused(const std::string& what) { return fault(Fault::Misused, what); }
  int emit(const char* label,
           std::variant<Int128, double, float, std::string, Error> value);

  const std::vector<model::KernelArgument>& parameters_;
  const exec::ChunkPage& page_;
  const Sync sync_;
  exec::KernelCall call_ = exec::KernelCall::None;
  Fault fault_ = Fault::None;
  std::string message_;
  std::vector<std::byte> written_;
  std::vector<model::KernelOutput> outputs_;
};

}  // namespace tally::kernels

// Kernel: one kernel of one task, and the one way into its functions.
//
// Around each call the page says what is being called and with which rows, so that a
// death or an endless loop can be told; exceptions become errors; the guards around
// states are looked at; floating-point control words are put back. An Error says which
// kernel of which image failed where: fields kernel, image, call, and of update file,
// first_row, rows. Codes:
//
//   kernel_failed         InvalidData      it said so, in its own words
//   kernel_threw          InvalidData      a C++ exception left it
//   kernel_memory         Internal         memory ran out
//   kernel_misused        InvalidArgument  it used its host against the rules
//   kernel_overran_state  InvalidArgument  it wrote outside of its state
//
// Threads: one. Lifetime: the states must not outlive it; `task` and `page` outlive it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/include/tally/tally_kernel.h"
#include "ipc/base/result.h"
#include "ipc/model/chunk_task.h"
#include "runtime/exec/chunk_page.h"
#include "runtime/kernel/float_guard.h"
#include "runtime/kernel/guarded_memory.h"
#include "runtime/kernel/host_run.h"
#include "runtime/kernel/kernel_library.h"
#include "runtime/kernel/services.h"

namespace tally::kernels {

class Kernel;

// A state, initialised; destroyed with it.
class KernelState {
 public:
  KernelState(KernelState&& other) noexcept
      : kernel_(std::exchange(other.kernel_, nullptr)),
        memory_(std::move(other.memory_)) {}
  KernelState& operator=(KernelState&& other) noexcept {
    std::swap(kernel_, other.kernel_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~KernelState();

  void* get() const { return memory_.get(); }
  std::size_t size() const { return memory_.size(); }

 private:
  friend class Kernel;
  explicit KernelState(std::size_t bytes) : memory_(bytes) {}

  Kernel* kernel_ = nullptr;  // null: nothing to destroy
  GuardedMemory memory_;
};

class Kernel {
 public:
  // Kernel `index` of the task. Errors: Internal "no_kernel"; InvalidArgument
  // "bad_argument" (parameters), "kernel_columns".
  static Result<std::unique_ptr<Kernel>> open(
      std::shared_ptr<const KernelLibrary> library, const model::ChunkTask& task,
      std::uint32_t index, exec::ChunkPage& page, const SyncHook& sync);
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  const model::KernelInfo& info() const { return info_; }
  const model::KernelTask& task() const { return task_; }

  Result<KernelState> make_state();
  Result<void> update(KernelState& state, const tally_kernel_block& block);
  Result<void> merge(KernelState& into, const KernelState& from);
  Result<std::vector<std::byte>> serialise(const KernelState& state);
  // Errors of its own: Internal "bad_kernel_state" where plain bytes have another size.
  Result<KernelState> deserialise(std::span<const std::byte> bytes);
  Result<std::vector<model::KernelOutput>> finish(const KernelState& state);
  // What dropping a state does; but says what went wrong.
  Result<void> destroy(KernelState state);

  // An error of this kernel's that is none of its calls' own.
  Error error(Errc errc, std::string code, const std::string& message) const;

 private:
  // What a call works on.
  struct Subject {
    const tally_kernel_block* block = nullptr;
    KernelState* first = nullptr;
    KernelState* second = nullptr;
  };

  Kernel(std::shared_ptr<const KernelLibrary> library, const tally_kernel& table,
         const model::KernelInfo& info, const model::ChunkTask& task,
         std::uint32_t index, exec::ChunkPage& page, const SyncHook& sync);
  Result<void> take_arguments();

  template <typename F>
  Result<void> call(exec::KernelCall which, const Subject& subject, F&& function);
  void announce(exec::KernelCall which, const tally_kernel_block* block);
  Error overran(exec::KernelCall which, const Subject& subject);
  Error failed(exec::KernelCall which, const Subject& subject, int returned) const;
  Error threw(exec::KernelCall which, const Subject& subject) const;
  Error told(Errc errc, std::string code, exec::KernelCall which,
             const Subject& subject, const std::string& what) const;

  const std::shared_ptr<const KernelLibrary> library_;
  const tally_kernel& table_;
  const model::KernelInfo& info_;
  const model::KernelTask& task_;
  const std::uint32_t index_;
  exec::ChunkPage& page_;
  const FloatGuard floats_;
  std::vector<model::KernelArgument> arguments_;  // one a parameter
  HostRun run_;
};

}  // namespace tally::kernels

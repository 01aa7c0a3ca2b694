// Subject: a kernel under trial: folds rows in any way asked for, and says what came
// out.
//
// Threads: one; runs in a child (child.h). Errors are the kernel's (runtime/kernel).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/check/row_set.h"
#include "runtime/exec/chunk_page.h"
#include "runtime/kernel/kernel.h"

namespace tally::check {

using kernels::KernelState;
using State = std::vector<std::byte>;  // as the kernel wrote it

inline constexpr std::size_t kRows = 20'000;  // a usual set: three blocks
inline constexpr std::size_t kBlockRows = 8192;

class Subject {
 public:
  // `arguments` are for the kernel's parameters.
  static Result<std::unique_ptr<Subject>> open(
      std::shared_ptr<const kernels::KernelLibrary> library, const std::string& kernel,
      std::vector<model::KernelArgument> arguments, exec::ChunkPage& page);
  ~Subject();

  kernels::Kernel& kernel() { return *kernel_; }
  const model::KernelInfo& info() const { return kernel_->info(); }
  // Whether states travel as their bytes, without functions of the kernel.
  bool plain() const;

  Result<KernelState> empty() { return kernel_->make_state(); }
  // Updates with rows [begin, end) in blocks of `step`.
  Result<void> update(KernelState& state, const RowSet& rows, std::size_t begin,
                      std::size_t end, std::size_t step = kBlockRows);
  // A state of its own for these rows.
  Result<KernelState> fold(const RowSet& rows, std::size_t begin, std::size_t end,
                           std::size_t step = kBlockRows);
  Result<State> bytes(const KernelState& state) { return kernel_->serialise(state); }
  Result<KernelState> copy(const KernelState& state);
  // The results, each on a line: what people can compare.
  Result<std::string> results(const KernelState& state);
  Result<std::vector<model::KernelOutput>> outputs(const KernelState& state) {
    return kernel_->finish(state);
  }

  // Called with every block that was given, after it.
  std::function<void(const TriedBlock&)> watch;

 private:
  Subject();
  Result<void> bring_sync();

  model::ChunkTask task_;
  std::shared_ptr<const kernels::KernelLibrary> library_;
  struct Sync;  // a region of memory of its own, for kernels that want one
  std::unique_ptr<Sync> sync_;
  kernels::SyncHook hook_;
  std::unique_ptr<kernels::Kernel> kernel_;
};

// The results as text: "min_x = 1.5, …".
std::string text_of(const std::vector<model::KernelOutput>& outputs);

// How far numbers are apart, relative to their size; 0 if all are the same, infinity if
// there are other results, or other texts.
double distance(const std::vector<model::KernelOutput>& a,
                const std::vector<model::KernelOutput>& b);

}  // namespace tally::check

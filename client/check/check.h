// check: holds the kernels of a file against the laws, each law in a process of its
// own.
//
// The caller must have one thread only. What a kernel does is a row of the table;
// Errors are ours: a file that cannot be read, no process to be had.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "client/check/row_set.h"
#include "ipc/base/result.h"
#include "ipc/model/kernel.h"

namespace tally::check {

enum class Mark { Kept, Broken, NotTried };

struct LawRow {
  std::string law;
  Mark mark = Mark::NotTried;
  std::string detail;
};

struct CheckedKernel {
  model::KernelInfo info;
  std::vector<LawRow> laws;
};

struct Checked {
  LawRow loads;  // of the file
  std::vector<CheckedKernel> kernels;

  bool passed() const;
};

struct Options {
  std::vector<model::KernelArgument> arguments;  // parameters, by name
  // Rows to try a kernel with instead of generated ones; may be empty.
  std::function<Result<RowSet>(const model::KernelInfo& kernel)> data;
  std::chrono::milliseconds limit{10'000};  // of one law
};

// `name` is for messages.
Result<Checked> check_file(int descriptor, const std::string& name,
                           const Options& options);

}  // namespace tally::check

// kernel_data: a user's own rows, to try a kernel with: the first ones of a file.
#pragma once

#include <string>

#include "client/check/row_set.h"
#include "client/cli/args.h"
#include "ipc/base/result.h"
#include "ipc/model/kernel.h"

namespace tally::cli {

// The options that say how the file is read.
inline constexpr OptionSet kDataOptions{Option::Column, Option::Format,
                                        Option::Dtype,  Option::Delimiter,
                                        Option::Header, Option::Missing};

// As many columns as the kernel has, those of --column (by commas) or the first ones;
// as text if it takes text; as f64 if it does not take the file's type. Errors: those
// of build_job() and of the readers; InvalidArgument "kernel_type", "kernel_columns",
// "no_rows".
Result<check::RowSet> read_kernel_data(const std::string& file, const Args& args,
                                       const model::KernelInfo& kernel);

}  // namespace tally::cli

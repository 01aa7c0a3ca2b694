// Reducer lists: what a command line asks to compute.
//
//   list     item,item,…
//   item     name[(argument,argument,…)][:column][=label]
//   name     a letter, then letters, digits and underscores
//   column   a header name or a number from 1; in double quotes ("" is a quote) where
//            the name holds a comma, an equals sign or a quote
//   label    anything without a comma
//
// Commas inside parentheses do not split. Blanks around each part do not count.
// Without a label of its own a result is called what was written before it:
// `mean`, `mean:temp_max`, `quantile(0.5):wind`.
//
// Which reducers there are is the daemon's to know.
#pragma once

#include <string_view>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/job_spec.h"

namespace tally::cli {

// `default_column` (may be empty) is for the reducers that name none.
// Errors: InvalidArgument "bad_reducer", "repeated_label".
Result<std::vector<model::ReducerSpec>> parse_reducers(std::string_view text,
                                                       std::string_view default_column);

}  // namespace tally::cli

// Some elements of an input, to guess from where its quantiles are.
#pragma once

#include <cstdint>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "runtime/source/inspect.h"

namespace tally::source {

// The order keys (reduce/order_key.h) of some 16,000 elements, in their order, without
// NaNs: runs of neighbours from all over the files. None of csv, text and streams, nor
// where the elements are few. What cannot be read is left out: whoever reduces it tells
// of it. Does blocking I/O: some 256 reads.
std::vector<std::int64_t> sample_keys(const Inspection& inspection,
                                      const std::vector<UniqueFd>& descriptors);

}  // namespace tally::source

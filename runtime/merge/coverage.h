// Coverage: proves that the accepted partials cover the input exactly once.
//
// Each chunk's spans and counts are checked when its partial comes (check_partial);
// before a result is released, everything accepted is checked once more against the
// whole input (covers_exactly), from the spans alone.
//
// The limit: it counts. A reader that drops one element of a block and hands out
// another twice keeps every count; only the readers' own tests can tell.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/chunk_task.h"

namespace tally::merge {

// What the plan gave out to one chunk.
struct ExpectedChunk {
  std::span<const model::ColumnTask> columns;
  std::vector<model::Span> spans;         // in order, touching ones merged
  std::optional<std::uint64_t> elements;  // where known beforehand
  // A stream, instead of spans: all of it from its start, wherever it ends.
  std::optional<std::uint32_t> stream;
};

// Errors: Internal "coverage_mismatch".
Result<void> check_partial(const model::Partial& partial,
                           const ExpectedChunk& expected);

class Coverage {
 public:
  void add(const std::vector<model::Span>& spans);

  // `sizes[i]` is where file i ends: elements, or bytes for csv.
  // Errors: Internal "coverage_mismatch" naming the first gap or overlap.
  Result<void> covers_exactly(std::span<const std::uint64_t> sizes);

 private:
  std::vector<model::Span> spans_;
};

}  // namespace tally::merge

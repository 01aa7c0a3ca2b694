// State: the running value of one family of reducers over one column.
//
// A family is a plain-data state with update, merge, serialise and finish; each lives
// in a file of its own (sum_state, extremes_state) and is reached through one vtable,
// so threads, processes and later user kernels share one path. Laws that every family
// keeps, and tests/unit/runtime/reduce/state_laws_test.cc checks:
//
//   identity    merge(s, empty) == s, merge(empty, s) == s
//   splitting   update(a ++ b) == merge(update(a), update(b)), to the bit
//   order       merge is commutative and associative, to the bit
//   source      merge never changes `from`
//   bytes       deserialise(serialise(s)) == s; equal values give equal bytes
//
// A window of quantiles that keeps elements (ranks_state.h) gives up some of them where
// they are many, so that its bytes depend on how they were split; what is found with it
// does not.
//
// Threads: a State belongs to one thread at a time. Nothing here does I/O.
// Rounding: kernels assume round-to-nearest without FTZ or DAZ; wrap runs of update
// and finish in a FloatEnvironment (float_environment.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/chunk_task.h"
#include "ipc/model/element_type.h"

namespace tally::reduce {

// A run of elements of one column, of the State's element type.
struct Block {
  const void* data = nullptr;  // `count` packed elements, aligned for the type
  std::size_t count = 0;
  std::uint32_t file = 0;
  std::uint64_t first_index = 0;  // of data[0] within its file, before filtering
  // Where elements are not consecutive (some were missing or filtered): the index of
  // each one, ascending. nullptr: element i has index first_index + i.
  const std::uint64_t* indices = nullptr;
  // Of a column of pairs: the second of each, packed as `data` is.
  const void* paired = nullptr;
};

// Elements from `from` on, `count` of them, of a block of that type.
Block part_of(const Block& block, std::size_t from, std::size_t count,
              model::ElementType type);

// Elements start + (begin + i) * step, i < count; i64, never overflowing.
struct RangeBlock {
  std::int64_t first = 0;
  std::int64_t step = 1;
  std::uint64_t count = 0;
  std::uint64_t first_index = 0;
};

// The position of an element: argmin and argmax answer it.
struct Position {
  std::uint32_t file = 0;
  std::uint64_t index = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

class State {
 public:
  virtual ~State() = default;

  // Does not allocate (a histogram's first does, for its edges). Returns how many
  // elements its own loop visited: the caller checks it against the block.
  virtual std::size_t update(const Block& block) = 0;
  // Precondition: the element type is I64.
  virtual std::uint64_t update_range(const RangeBlock& block) = 0;
  // Precondition: `from` is of the same family and element type.
  virtual void merge(const State& from) = 0;

  virtual model::Family family() const = 0;
  virtual std::uint16_t version() const = 0;
  virtual void serialise(std::vector<std::byte>& into) const = 0;
  // Total: any bytes give a state or an Error (InvalidData). On failure unchanged.
  virtual Result<void> deserialise(std::uint16_t version,
                                   std::span<const std::byte> bytes) = 0;
  virtual void clear() = 0;  // back to the state of an empty input
};

// An empty state. Precondition: `family` is not Histogram or Ranks.
std::unique_ptr<State> make_state(model::Family family, model::ElementType type);

// Those of a column, empty: of its families, then of its histograms and windows.
using States = std::vector<std::unique_ptr<State>>;
States make_states(const model::ColumnTask& column, model::ElementType type);

}  // namespace tally::reduce

#include "runtime/reduce/state.h"

#include <string>

#include "ipc/base/check.h"
#include "runtime/reduce/bits_state.h"
#include "runtime/reduce/dot_state.h"
#include "runtime/reduce/extremes_state.h"
#include "runtime/reduce/histogram_state.h"
#include "runtime/reduce/product_state.h"
#include "runtime/reduce/ranks_state.h"
#include "runtime/reduce/squares_state.h"
#include "runtime/reduce/state_bytes.h"
#include "runtime/reduce/sum_state.h"

namespace tally::reduce {

Error bad_state(std::string_view what) {
  return Error(Errc::InvalidData, "bad_state",
               "these bytes are no state of a " + std::string(what));
}

Result<void> check_layout(const State& state, std::uint16_t version,
                          std::span<const std::byte> bytes, std::size_t size_bytes) {
  if (version != state.version()) {
    return Error(Errc::InvalidData, "bad_state",
                 "a state of version " + std::to_string(version) + "; this tally has " +
                     std::to_string(state.version()));
  }
  if (bytes.size() != size_bytes) {
    return Error(Errc::InvalidData, "bad_state",
                 "a state of " + std::to_string(bytes.size()) +
                     " bytes; it must have " + std::to_string(size_bytes));
  }
  return {};
}

Block part_of(const Block& block, std::size_t from, std::size_t count,
              model::ElementType type) {
  Block part = block;
  const std::size_t offset = from * model::size_of(type);
  part.data = static_cast<const std::byte*>(block.data) + offset;
  if (part.paired != nullptr)
    part.paired = static_cast<const std::byte*>(block.paired) + offset;
  part.count = count;
  part.first_index += from;
  if (part.indices != nullptr) part.indices += from;
  return part;
}

std::unique_ptr<State> make_state(model::Family family, model::ElementType type) {
  if (family == model::Family::Sum) {
    if (model::is_float(type)) return std::make_unique<FloatSumState>(type);
    return std::make_unique<IntegerSumState>(type);
  }
  if (family == model::Family::Squares) {
    if (model::is_float(type)) return std::make_unique<FloatSquaresState>(type);
    return std::make_unique<IntegerSquaresState>(type);
  }
  if (family == model::Family::Bits) return std::make_unique<BitsState>(type);
  if (family == model::Family::Product) return std::make_unique<ProductState>(type);
  if (family == model::Family::Dot) {
    if (model::is_float(type)) return std::make_unique<FloatDotState>(type);
    return std::make_unique<IntegerDotState>(type);
  }
  TALLY_CHECK(family == model::Family::Extremes);
  return std::make_unique<ExtremesState>(type);
}

States make_states(const model::ColumnTask& column, model::ElementType type) {
  States states;
  for (const model::Family family : column.families)
    states.push_back(make_state(family, type));
  for (const model::HistogramBins& bins : column.histograms)
    states.push_back(std::make_unique<HistogramState>(bins, type));
  for (const model::KeyWindow& window : column.windows)
    states.push_back(std::make_unique<RanksState>(window, type));
  return states;
}

}  // namespace tally::reduce

#include "runtime/exec/pair_join.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace tally::exec {
namespace {

template <typename T>
bool is_nan(T value) {
  if constexpr (std::is_floating_point_v<T>) return std::isnan(value);
  return false;
}

template <typename T>
bool has_nan(const T* values, std::size_t count) {
  return std::any_of(values, values + count, is_nan<T>);
}

std::uint64_t row_of(const reduce::Block& block, std::size_t at) {
  return block.indices != nullptr ? block.indices[at] : block.first_index + at;
}

}  // namespace

JoinedPairs PairJoin::join(const source::Batch& batch, const model::ColumnPair& pair,
                           model::ElementType type, bool skip_nan) {
  const bool gaps =
      batch.missing.at(pair.left) != 0 || batch.missing.at(pair.right) != 0;
  return model::with_type(type, [&](auto zero) {
    return join_as<decltype(zero)>(batch, batch.columns.at(pair.left),
                                   batch.columns.at(pair.right), gaps, skip_nan);
  });
}

template <typename T>
JoinedPairs PairJoin::join_as(const source::Batch& batch, const reduce::Block& left,
                              const reduce::Block& right, bool gaps, bool skip_nan) {
  const auto* const x = static_cast<const T*>(left.data);
  const auto* const y = static_cast<const T*>(right.data);
  JoinedPairs joined;
  joined.block.file = left.file;
  joined.block.first_index = batch.first_row;
  if (!gaps && !(skip_nan && (has_nan(x, left.count) || has_nan(y, right.count)))) {
    joined.block.data = x;
    joined.block.paired = y;
    // Whoever counts rows sees it where they differ.
    joined.block.count = std::min(left.count, right.count);
    return joined;
  }
  const std::size_t most = std::min(left.count, right.count);
  left_.resize(std::max(left_.size(), most * sizeof(T)));
  right_.resize(std::max(right_.size(), most * sizeof(T)));
  auto* const x_kept = reinterpret_cast<T*>(left_.data());
  auto* const y_kept = reinterpret_cast<T*>(right_.data());
  std::size_t both = 0;
  for (std::size_t i = 0, j = 0; i < left.count && j < right.count;) {
    const std::uint64_t x_row = row_of(left, i);
    const std::uint64_t y_row = row_of(right, j);
    if (x_row == y_row) {
      ++both;
      if (skip_nan && (is_nan(x[i]) || is_nan(y[j]))) {
        ++joined.filtered;
      } else {
        x_kept[joined.block.count] = x[i];
        y_kept[joined.block.count++] = y[j];
      }
    }
    i += x_row <= y_row ? 1 : 0;
    j += y_row <= x_row ? 1 : 0;
  }
  joined.missing = batch.rows - both;
  joined.block.data = x_kept;
  joined.block.paired = y_kept;
  return joined;
}

}  // namespace tally::exec

#include "runtime/kernel/block_builder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

namespace tally::kernels {
namespace {

// Of every column of a block, and of the row numbers behind the last.
constexpr std::size_t kColumnBytes = kBlockRows * sizeof(tally_kernel_text);

bool takes(const model::KernelInfo& kernel, model::ElementType type) {
  return (kernel.types >> static_cast<unsigned>(type) & 1U) != 0;
}

bool wants_text(const model::ChunkTask& task, const Kernel& kernel) {
  const std::vector<std::uint32_t>& columns = kernel.task().columns;
  return std::any_of(columns.begin(), columns.end(), [&](std::uint32_t column) {
    return column < task.columns.size() && task.columns[column].text;
  });
}

bool all_text(const model::ChunkTask& task, const Kernel& kernel) {
  const std::vector<std::uint32_t>& columns = kernel.task().columns;
  return std::all_of(columns.begin(), columns.end(), [&](std::uint32_t column) {
    return column < task.columns.size() && task.columns[column].text;
  });
}

// Whether v has at most 53 bits between its first and its last.
template <typename T>
bool is_f64(T value) {
  if constexpr (sizeof(T) < 8 || std::is_floating_point_v<T>) {
    return true;
  } else {
    auto bits = static_cast<std::uint64_t>(value);
    if constexpr (std::is_signed_v<T>)
      if (value < 0) bits = ~bits + 1;
    return bits == 0 || 64 - std::countl_zero(bits) - std::countr_zero(bits) <= 53;
  }
}

}  // namespace

BlockBuilder::BlockBuilder(const model::ChunkTask& task, const Kernel& kernel,
                           BlockRoom& room)
    : task_(task),
      kernel_(kernel),
      room_(room),
      columns_(kernel.task().columns),
      text_(wants_text(task, kernel)),
      widened_(!text_ && !takes(kernel.info(), task.type)),
      skip_nan_(!text_ && model::is_float(task.type) &&
                task.nan == model::NanPolicy::Skip),
      element_bytes_(text_      ? sizeof(tally_kernel_text)
                     : widened_ ? sizeof(double)
                                : model::size_of(task.type)),
      type_(text_      ? TALLY_KERNEL_TYPE_TEXT
            : widened_ ? TALLY_KERNEL_TYPE_F64
                       : static_cast<std::int32_t>(task.type)),
      cursors_(columns_.size()),
      positions_(columns_.size()) {}

Result<BlockBuilder> BlockBuilder::make(const model::ChunkTask& task,
                                        const Kernel& kernel, BlockRoom& room) {
  for (const std::uint32_t column : kernel.task().columns)
    if (column >= model::input_columns(task.columns))
      return kernel.error(Errc::Internal, "kernel_columns",
                          "the task has not the columns it wants");
  const bool text = wants_text(task, kernel);
  if (text != model::takes_text(kernel.info()) || (text && !all_text(task, kernel)))
    return kernel.error(Errc::InvalidArgument, "kernel_type",
                        text ? "it takes numbers, not text" : "it takes text only");
  if (!text && !takes(kernel.info(), task.type) &&
      !takes(kernel.info(), model::ElementType::F64))
    return kernel.error(
        Errc::InvalidArgument, "kernel_type",
        "it takes no elements of type " + std::string(model::name_of(task.type)));
  return BlockBuilder(task, kernel, room);
}

void BlockBuilder::begin_file(std::uint32_t file, const char* name) {
  file_ = file;
  file_name_ = name;
}

Result<void> BlockBuilder::begin_batch(const source::Batch& batch) {
  std::fill(cursors_.begin(), cursors_.end(), 0);
  for (const std::uint32_t column : columns_) {
    const reduce::Block& block = batch.columns[column];
    const std::uint64_t missing = batch.missing[column];
    if (block.count + missing != batch.rows ||
        (block.data == nullptr && block.count != 0) ||
        (missing == 0 && block.indices != nullptr))
      return kernel_.error(Errc::Internal, "coverage_mismatch",
                           "of " + std::to_string(batch.rows) + " rows a column has " +
                               std::to_string(block.count));
  }
  return {};
}

Result<void> BlockBuilder::reserve() {
  return room_.elements.reserve((columns_.size() + 1) * kColumnBytes);
}

std::byte* BlockBuilder::cells(std::size_t column) const {
  return room_.elements.writable() + column * kColumnBytes;
}

// Rows [begin, end) are next.
void BlockBuilder::note_rows(std::uint64_t begin, std::uint64_t end) {
  if (count_ == 0) {
    first_row_ = begin;
    gaps_ = false;
  }
  auto* rows = reinterpret_cast<std::uint64_t*>(cells(columns_.size()));
  if (!gaps_ && begin != first_row_ + count_) {
    gaps_ = true;
    for (std::size_t i = 0; i < count_; ++i) rows[i] = first_row_ + i;
  }
  if (gaps_)
    for (std::uint64_t row = begin; row < end; ++row)
      rows[count_ + (row - begin)] = row;
}

void BlockBuilder::note_kept_rows() {
  if (chosen_.empty()) return;
  if (chosen_.back() - chosen_.front() + 1 == chosen_.size()) {
    note_rows(chosen_.front(), chosen_.back() + 1);
    return;
  }
  auto* rows = reinterpret_cast<std::uint64_t*>(cells(columns_.size()));
  if (count_ == 0) first_row_ = chosen_.front();
  if (count_ == 0 || !gaps_)
    for (std::size_t i = 0; i < count_; ++i) rows[i] = first_row_ + i;
  gaps_ = true;
  std::copy(chosen_.begin(), chosen_.end(), rows + count_);
}

template <typename T>
bool BlockBuilder::is_nan(const reduce::Block& block, std::size_t at) const {
  if constexpr (std::is_floating_point_v<T>)
    return skip_nan_ && std::isnan(static_cast<const T*>(block.data)[at]);
  return false;
}

template <typename T>
bool BlockBuilder::has_nan(const reduce::Block& block, std::size_t begin,
                           std::size_t end) const {
  for (std::size_t i = begin; i < end; ++i)
    if (is_nan<T>(block, i)) return true;
  return false;
}

// Every row of [begin, end) is kept, and no column has gaps in this batch.
bool BlockBuilder::plain(const source::Batch& batch, std::uint64_t begin,
                         std::uint64_t end) const {
  for (const std::uint32_t column : columns_)
    if (batch.missing[column] != 0) return false;
  if (!skip_nan_) return true;
  return model::with_type(task_.type, [&](auto zero) {
    for (const std::uint32_t column : columns_)
      if (has_nan<decltype(zero)>(batch.columns[column],
                                  static_cast<std::size_t>(begin - batch.first_row),
                                  static_cast<std::size_t>(end - batch.first_row)))
        return false;
    return true;
  });
}

std::optional<tally_kernel_block> BlockBuilder::as_is(const source::Batch& batch,
                                                      std::uint64_t begin,
                                                      std::uint64_t end) {
  if (!batch.read_only || columns_.size() != 1 || widened_ || text_ ||
      !plain(batch, begin, end))
    return std::nullopt;
  const auto* data = static_cast<const std::byte*>(batch.columns[columns_[0]].data);
  values_[0] = data + (begin - batch.first_row) * element_bytes_;
  counts_.seen += end - begin;
  counts_.kept += end - begin;
  tally_kernel_block block{};
  block.struct_size = sizeof block;
  block.type = type_;
  block.columns = 1;
  block.count = static_cast<std::size_t>(end - begin);
  block.values = values_.data();
  block.first_row = begin;
  block.file = file_;
  block.file_name = file_name_;
  return block;
}

Result<void> BlockBuilder::add(const source::Batch& batch, std::uint64_t begin,
                               std::uint64_t end) {
  if (Result<void> room = reserve(); !room) return room;
  const auto rows = static_cast<std::size_t>(end - begin);
  counts_.seen += rows;
  if (plain(batch, begin, end)) {
    note_rows(begin, end);
    const auto at = static_cast<std::size_t>(begin - batch.first_row);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const void* data = batch.columns[columns_[i]].data;
      Result<void> copied =
          text_ ? copy_text(i, static_cast<const source::TextCell*>(data) + at, nullptr,
                            rows)
                : model::with_type(task_.type, [&](auto zero) {
                    return copy_run(i, static_cast<const decltype(zero)*>(data) + at,
                                    begin, rows);
                  });
      if (!copied) return copied;
    }
    counts_.kept += rows;
    count_ += rows;
    return {};
  }
  choose_rows(batch, begin, end);
  note_kept_rows();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const void* data = batch.columns[columns_[i]].data;
    Result<void> copied =
        text_ ? copy_text(i, static_cast<const source::TextCell*>(data),
                          positions_[i].data(), chosen_.size())
              : model::with_type(task_.type, [&](auto zero) {
                  return copy_chosen(i, static_cast<const decltype(zero)*>(data));
                });
    if (!copied) return copied;
  }
  counts_.kept += chosen_.size();
  count_ += chosen_.size();
  return {};
}

void BlockBuilder::choose_rows(const source::Batch& batch, std::uint64_t begin,
                               std::uint64_t end) {
  chosen_.clear();
  for (auto& positions : positions_) positions.clear();
  model::with_type(task_.type, [&](auto zero) {
    for (std::uint64_t row = begin; row < end; ++row) {
      bool missing = false;
      bool nan = false;
      std::array<std::uint32_t, kMaxColumns> at{};
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        const reduce::Block& block = batch.columns[columns_[i]];
        std::size_t position = static_cast<std::size_t>(row - batch.first_row);
        if (batch.missing[columns_[i]] != 0) {
          position = cursors_[i];
          const bool there =
              position < block.count &&
              (block.indices != nullptr ? block.indices[position]
                                        : block.first_index + position) == row;
          missing |= !there;
          if (!there) continue;
          ++cursors_[i];
        }
        if (!text_) nan |= is_nan<decltype(zero)>(block, position);
        at[i] = static_cast<std::uint32_t>(position);
      }
      if (missing) {
        ++counts_.missing;
      } else if (nan) {
        ++counts_.filtered;
      } else {
        chosen_.push_back(row);
        for (std::size_t i = 0; i < columns_.size(); ++i)
          positions_[i].push_back(at[i]);
      }
    }
  });
}

template <typename T>
Result<void> BlockBuilder::copy_run(std::size_t column, const T* from,
                                    std::uint64_t begin, std::size_t count) {
  if (!widened_) {
    std::memcpy(cells(column) + count_ * sizeof(T), from, count * sizeof(T));
    return {};
  }
  auto* into = reinterpret_cast<double*>(cells(column)) + count_;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_f64(from[i])) return not_exact(begin + i, std::to_string(from[i]));
    into[i] = static_cast<double>(from[i]);
  }
  return {};
}

template <typename T>
Result<void> BlockBuilder::copy_chosen(std::size_t column, const T* from) {
  const std::vector<std::uint32_t>& positions = positions_[column];
  if (!widened_) {
    auto* into = reinterpret_cast<T*>(cells(column)) + count_;
    for (std::size_t i = 0; i < positions.size(); ++i) into[i] = from[positions[i]];
    return {};
  }
  auto* into = reinterpret_cast<double*>(cells(column)) + count_;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const T element = from[positions[i]];
    if (!is_f64(element)) return not_exact(chosen_[i], std::to_string(element));
    into[i] = static_cast<double>(element);
  }
  return {};
}

// `positions` nullptr: the first `count`. Until take() an element says where its bytes
// begin in the room, which may still move.
Result<void> BlockBuilder::copy_text(std::size_t column, const source::TextCell* from,
                                     const std::uint32_t* positions,
                                     std::size_t count) {
  auto* into = reinterpret_cast<tally_kernel_text*>(cells(column)) + count_;
  for (std::size_t i = 0; i < count; ++i) {
    const source::TextCell& cell = from[positions == nullptr ? i : positions[i]];
    if (Result<void> room = room_.text.reserve(text_bytes_ + cell.size + 1); !room)
      return room;
    std::memcpy(room_.text.writable() + text_bytes_, cell.data, cell.size);
    into[i].data = reinterpret_cast<const char*>(text_bytes_);
    into[i].size = cell.size;
    text_bytes_ += cell.size;
  }
  return {};
}

Result<void> BlockBuilder::add_range(std::int64_t first, std::int64_t step,
                                     std::uint64_t begin, std::uint64_t end) {
  if (Result<void> room = reserve(); !room) return room;
  const auto rows = static_cast<std::size_t>(end - begin);
  note_rows(begin, end);
  auto* integers = reinterpret_cast<std::int64_t*>(cells(0)) + count_;
  auto* doubles = reinterpret_cast<double*>(cells(0)) + count_;
  for (std::size_t i = 0; i < rows; ++i) {
    // Modulo 2^64, which is exact: every element fits i64.
    const auto element = static_cast<std::int64_t>(
        static_cast<std::uint64_t>(first) + i * static_cast<std::uint64_t>(step));
    if (!widened_) {
      integers[i] = element;
      continue;
    }
    if (!is_f64(element)) return not_exact(begin + i, std::to_string(element));
    doubles[i] = static_cast<double>(element);
  }
  counts_.seen += rows;
  counts_.kept += rows;
  count_ += rows;
  return {};
}

tally_kernel_block BlockBuilder::take() {
  const std::byte* readable = room_.elements.readable();
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    values_[i] = readable + i * kColumnBytes;
    if (!text_) continue;
    const auto* base = reinterpret_cast<const char*>(room_.text.readable());
    auto* cell = reinterpret_cast<tally_kernel_text*>(cells(i));
    for (std::size_t at = 0; at < count_; ++at)
      cell[at].data = base + reinterpret_cast<std::uintptr_t>(cell[at].data);
  }
  tally_kernel_block block{};
  block.struct_size = sizeof block;
  block.type = type_;
  block.columns = static_cast<std::uint32_t>(columns_.size());
  block.count = count_;
  block.values = values_.data();
  block.first_row = first_row_;
  block.rows = gaps_ ? reinterpret_cast<const std::uint64_t*>(
                           readable + columns_.size() * kColumnBytes)
                     : nullptr;
  block.file = file_;
  block.file_name = file_name_;
  count_ = 0;
  text_bytes_ = 0;
  return block;
}

Error BlockBuilder::not_exact(std::uint64_t row, const std::string& element) const {
  Error error =
      kernel_
          .error(Errc::InvalidData, "not_exact",
                 "it takes f64, which cannot hold element " + std::to_string(row) +
                     (*file_name_ != 0 ? " of " + std::string(file_name_) : "") + ", " +
                     element + ", exactly")
          .with("index", static_cast<std::int64_t>(row));
  if (*file_name_ != 0) error = std::move(error).with("file", std::string(file_name_));
  return error;
}

}  // namespace tally::kernels

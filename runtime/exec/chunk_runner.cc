#include "runtime/exec/chunk_runner.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "ipc/base/float_environment.h"
#include "ipc/base/guard.h"
#include "runtime/exec/fault_points.h"
#include "runtime/kernel/kernel_images.h"
#include "runtime/kernel/kernel_merge.h"
#include "runtime/kernel/memory_limit.h"
#include "runtime/reduce/moments_update.h"
#include "runtime/source/leaves.h"

namespace tally::exec {
namespace {

constexpr std::uint64_t kRangeBlock = 65'536;  // elements: how often cancel is polled

Error cancelled_error() {
  return Error(Errc::Cancelled, "the chunk was called off");
}

Error miscounted(std::uint64_t expected, std::uint64_t visited) {
  return Error(Errc::Internal, "coverage_mismatch",
               "of " + std::to_string(expected) + " elements the reducer's loop saw " +
                   std::to_string(visited) +
                   "; no result is given that does not cover each element once");
}

template <typename T>
std::size_t compact(const T* values, const reduce::Block& block, T* kept,
                    std::uint64_t* indices) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < block.count; ++i) {
    if (std::isnan(values[i])) continue;
    kept[count] = values[i];
    indices[count] =
        block.indices != nullptr ? block.indices[i] : block.first_index + i;
    ++count;
  }
  return count;
}

template <typename T>
const T* first_nan(const T* values, std::size_t count) {
  return std::find_if(values, values + count,
                      [](T value) { return std::isnan(value); });
}

// The name of a file, if the piece is of it; empty otherwise. The second array of a
// pair counts as the next file.
std::string name_of(const model::FilePiece& piece, std::uint32_t file) {
  if (piece.file == file) return piece.name;
  return piece.partner && piece.file + 1 == file ? piece.partner->name : "";
}

Error nan_found(const model::ChunkTask& task, std::uint32_t file, std::uint64_t index) {
  Error error(Errc::InvalidData, "nan_found",
              "element " + std::to_string(index) +
                  " is NaN; use --nan skip or --nan propagate to go on");
  error = std::move(error).with("index", static_cast<std::int64_t>(index));
  const auto* files = std::get_if<model::FilePieces>(&task.piece);
  if (files == nullptr) return error;
  for (const model::FilePiece& piece : files->pieces)
    if (const std::string name = name_of(piece, file); !name.empty())
      return std::move(error).within(name).with("file", name);
  return error;
}

// For the worker built for tests: hands the states more or fewer elements than came.
void distort(Distortion how, source::Batch& batch) {
  for (reduce::Block& block : batch.columns) {
    if (block.count == 0) continue;
    if (how == Distortion::Drop) --block.count;
  }
  if (how != Distortion::Add && how != Distortion::Repeat) return;
  // The states see the block twice, or one element more than came.
  reduce::Block again = batch.columns.front();
  if (how == Distortion::Add) again.count = std::min<std::size_t>(again.count, 1);
  batch.columns.push_back(again);
}

}  // namespace

ChunkRunner::ChunkRunner(ChunkPage& page, OpenReader open, kernels::Services services)
    : page_(page), open_(std::move(open)), services_(std::move(services)) {}

void ChunkRunner::enter(ChunkStage stage) {
  page_.stage.store(stage, std::memory_order_relaxed);
}

void ChunkRunner::prepare(const model::ChunkTask& task) {
  if (type_ == task.type && made_for_ == task.columns) {
    // The last chunk's states will do.
    for (Column& column : columns_) {
      for (const auto& state : column.states) state->clear();
      column.counts = {};
    }
    return;
  }
  type_ = task.type;
  made_for_ = task.columns;
  columns_.clear();
  columns_.resize(task.columns.size());
  inputs_ = model::input_columns(task.columns);
  for (std::size_t i = 0; i < columns_.size(); ++i)
    columns_[i].states = reduce::make_states(task.columns[i], task.type);
}

model::ChunkOutcome ChunkRunner::run(const model::ChunkTask& task,
                                     std::span<const int> descriptors) {
  page_.advanced.store(0, std::memory_order_relaxed);
  enter(ChunkStage::Opening);
  page_.begun.fetch_add(1, std::memory_order_release);
  rows_ = 0;
  const bool kernels = !task.kernels.empty() || !task.images.empty();
  Result<model::Partial> done =
      guarded("chunk", Errc::Internal, [&]() -> Result<model::Partial> {
        const FloatEnvironment exact;
        if (page_.is_called_off()) return cancelled_error();
        if (!kernels) return reduce(task, descriptors);
        const kernels::MemoryLimit limit(
            services_.limit_memory ? task.kernel_memory_bytes : 0);
        return run_kernels(task, descriptors);
      });
  pass_.reset();
  enter(ChunkStage::None);
  if (done) return {task.key, *std::move(done), {}};
  if (kernels && done.error().code() == "out_of_memory")
    return {
        task.key,
        Error(Errc::Internal, "kernel_memory",
              "memory ran out while kernels ran; they, or what they leaked, took it"),
        {}};
  return {task.key, std::move(done).error(), {}};
}

Result<model::Partial> ChunkRunner::run_kernels(const model::ChunkTask& task,
                                                std::span<const int> descriptors) {
  model::Partial result;
  result.key = task.key;
  if (std::holds_alternative<model::DescribePiece>(task.piece)) {
    auto described = kernels::describe_images(task, descriptors, services_, page_);
    if (!described) return std::move(described).error();
    result.described = *std::move(described);
    return result;
  }
  if (const auto* merge = std::get_if<model::MergePiece>(&task.piece)) {
    const auto kernels = kernels::open_kernels(task, descriptors, services_, page_);
    if (!kernels) return kernels.error();
    auto outputs = kernels::merge_states(*merge, descriptors, *kernels);
    if (!outputs) return std::move(outputs).error();
    result.outputs = *std::move(outputs);
    return result;
  }
  auto pass = kernels::KernelPass::open(task, descriptors, services_, page_, rooms_);
  if (!pass) return std::move(pass).error();
  pass_ = *std::move(pass);
  return reduce(task, descriptors);
}

Result<model::Partial> ChunkRunner::reduce(const model::ChunkTask& task,
                                           std::span<const int> descriptors) {
  prepare(task);
  std::vector<model::Span> spans;
  const auto* range = std::get_if<model::RangePiece>(&task.piece);
  Result<void> done = range != nullptr ? run_range(task, *range, spans)
                                       : run_blocks(task, descriptors, spans);
  if (!done) return std::move(done).error();
  model::Partial result = partial(task, std::move(spans));
  if (pass_ == nullptr) return result;
  if (Result<void> finished = pass_->finish(result.spans, result); !finished)
    return std::move(finished).error();
  for (const model::KernelPartial& kernel : result.kernels)
    if (kernel.counts.seen != result.columns.front().counts.seen)
      return miscounted(result.columns.front().counts.seen, kernel.counts.seen);
  return result;
}

Result<void> ChunkRunner::run_range(const model::ChunkTask& task,
                                    const model::RangePiece& piece,
                                    std::vector<model::Span>& spans) {
  enter(ChunkStage::Reducing);
  std::uint64_t number = 0;
  for (std::uint64_t at = piece.begin; at < piece.end; ++number) {
    if (page_.is_called_off()) return cancelled_error();
    reduce::RangeBlock block;
    block.count = std::min(kRangeBlock, piece.end - at);
    block.step = piece.step;
    // Modulo 2^64, which is exact: every element fits i64.
    block.first =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(piece.start) +
                                  at * static_cast<std::uint64_t>(piece.step));
    block.first_index = at;
    const std::uint64_t given = block.count;
    const Distortion how =
        fault_point("update", task.key, number, at / source::kLeafElements);
    if (how == Distortion::Drop) --block.count;
    if (how == Distortion::Add) ++block.count;
    if (how == Distortion::Repeat) block.count *= 2;
    for (Column& column : columns_) {
      std::uint64_t visited = block.count;
      for (const auto& state : column.states) {
        const std::uint64_t saw = state->update_range(block);
        if (&state != &column.states.front() && saw != visited)
          return miscounted(visited, saw);
        visited = saw;
      }
      column.counts.kept += visited;
      column.counts.seen += visited;
    }
    if (pass_ != nullptr) {
      Result<void> used = pass_->consume_range(block.first, block.step, at, at + given);
      if (!used) return used;
    }
    at += given;
    page_.advanced.store(at - piece.begin, std::memory_order_relaxed);
  }
  if (piece.end > piece.begin) spans.push_back({0, piece.begin, piece.end});
  return {};
}

Result<void> ChunkRunner::run_blocks(const model::ChunkTask& task,
                                     std::span<const int> descriptors,
                                     std::vector<model::Span>& spans) {
  if (const auto* files = std::get_if<model::FilePieces>(&task.piece);
      files != nullptr && !files->pieces.empty())
    page_.source_file.store(files->pieces.front().file, std::memory_order_relaxed);
  Result<std::unique_ptr<source::BlockReader>> reader =
      open_(task, descriptors, scratch_);
  if (!reader) return std::move(reader).error();
  (*reader)->heed({page_.called_off, page_.bit_at_hand()});
  // Of the last chunk, perhaps of another format, whose reader sets other members.
  batch_.leaf.reset();
  batch_.read_only = false;
  for (std::uint64_t number = 0;; ++number) {
    if (page_.is_called_off()) return cancelled_error();
    enter(ChunkStage::Reading);
    const Result<bool> more = (*reader)->next(batch_);
    if (!more) return more.error();
    if (!*more) break;
    enter(ChunkStage::Reducing);
    if (!batch_.columns.empty())
      page_.source_file.store(batch_.columns.back().file, std::memory_order_relaxed);
    const Distortion how = fault_point("update", task.key, number,
                                       batch_.first_row / source::kLeafElements);
    if (how != Distortion::None) distort(how, batch_);
    if (Result<void> used = consume(task, batch_); !used) return used;
    page_.advanced.fetch_add(batch_.extent, std::memory_order_relaxed);
  }
  (*reader)->spans(spans);
  return {};
}

Result<void> ChunkRunner::consume(const model::ChunkTask& task,
                                  const source::Batch& batch) {
  rows_ += batch.rows;
  for (std::size_t i = 0; i < batch.columns.size(); ++i) {
    Column& column = columns_[i % inputs_];
    if (i < batch.missing.size()) {
      column.counts.missing += batch.missing[i];
      column.counts.seen += batch.missing[i];
    }
    reduce::Block block = batch.columns[i];
    if (task.nan != model::NanPolicy::Propagate && model::is_float(task.type) &&
        !task.columns[i % inputs_].text) {
      const Result<reduce::Block> kept = without_nan(task, block, column);
      if (!kept) return kept.error();
      block = *kept;
    }
    if (Result<void> updated = update(column, block); !updated) return updated;
  }
  if (inputs_ != columns_.size())
    if (Result<void> paired = consume_pairs(task, batch); !paired) return paired;
  for (const Column& column : columns_)
    if (column.counts.seen != rows_) return miscounted(rows_, column.counts.seen);
  if (pass_ != nullptr) return pass_->consume(batch);
  return {};
}

// Under NanPolicy::Error there is no NaN any more: the columns were looked at.
Result<void> ChunkRunner::consume_pairs(const model::ChunkTask& task,
                                        const source::Batch& batch) {
  for (std::size_t i = inputs_; i < columns_.size(); ++i) {
    const JoinedPairs joined = pairs_.join(batch, *task.columns[i].pair, task.type,
                                           task.nan == model::NanPolicy::Skip);
    model::ElementCounts& counts = columns_[i].counts;
    counts.missing += joined.missing;
    counts.filtered += joined.filtered;
    counts.seen += joined.missing + joined.filtered;
    if (Result<void> updated = update(columns_[i], joined.block); !updated)
      return updated;
  }
  return {};
}

// Several states see one part of the block after the other while it is in the first
// cache: only the first of them waits for memory.
Result<void> ChunkRunner::update(Column& column, const reduce::Block& block) {
  constexpr std::size_t kNear = 32 * 1024;
  const std::size_t most = kNear / model::size_of(type_);
  const std::size_t together = reduce::update_moments(column.states, block);
  column.counts.kept += together;
  column.counts.seen += together;
  if (column.states.size() < 2 || block.data == nullptr)
    return update_part(column, block);
  for (std::size_t at = together; at < block.count; at += most)
    if (Result<void> updated = update_part(
            column,
            reduce::part_of(block, at, std::min(most, block.count - at), type_));
        !updated)
      return updated;
  return {};
}

Result<void> ChunkRunner::update_part(Column& column, const reduce::Block& block) {
  std::size_t visited = block.count;
  bool first = true;
  for (const auto& state : column.states) {
    const std::size_t saw = state->update(block);
    if (!first && saw != visited) return miscounted(visited, saw);
    visited = saw;
    first = false;
  }
  column.counts.kept += visited;
  column.counts.seen += visited;
  return {};
}

Result<reduce::Block> ChunkRunner::without_nan(const model::ChunkTask& task,
                                               const reduce::Block& block,
                                               Column& column) {
  const auto filter = [&]<typename T>(T) -> Result<reduce::Block> {
    const auto* values = static_cast<const T*>(block.data);
    const T* nan = first_nan(values, block.count);
    if (nan == values + block.count) return block;
    const auto offset = static_cast<std::uint64_t>(nan - values);
    if (task.nan == model::NanPolicy::Error) {
      const std::uint64_t index =
          block.indices != nullptr ? block.indices[offset] : block.first_index + offset;
      return nan_found(task, block.file, index);
    }
    kept_values_.resize(block.count * sizeof(T));
    kept_indices_.resize(block.count);
    reduce::Block kept = block;
    kept.count = compact(values, block, reinterpret_cast<T*>(kept_values_.data()),
                         kept_indices_.data());
    kept.data = kept_values_.data();
    kept.indices = kept_indices_.data();
    column.counts.filtered += block.count - kept.count;
    column.counts.seen += block.count - kept.count;
    return kept;
  };
  if (task.type == model::ElementType::F32) return filter(float{});
  return filter(double{});
}

model::Partial ChunkRunner::partial(const model::ChunkTask& task,
                                    std::vector<model::Span> spans) {
  model::Partial result;
  result.key = task.key;
  result.spans = std::move(spans);
  result.columns.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    result.columns[i].counts = columns_[i].counts;
    for (const auto& state : columns_[i].states) {
      model::StateBytes& bytes = result.columns[i].states.emplace_back();
      bytes.family = state->family();
      bytes.version = state->version();
      state->serialise(bytes.bytes);
    }
  }
  return result;
}

}  // namespace tally::exec

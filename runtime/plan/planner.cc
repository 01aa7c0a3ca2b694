#include "runtime/plan/planner.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "runtime/plan/array_pair.h"
#include "runtime/plan/quantile_plan.h"
#include "runtime/reduce/reducers.h"

namespace tally::plan {
namespace {

constexpr std::uint64_t kChunksPerSlot = 16;     // so that slots end together
constexpr std::uint64_t kMaxChunkLeaves = 1024;  // 512 MiB of doubles
// Whatever is asked for: 2^63 elements, so that sizes of chunks stay within 64 bits.
constexpr std::uint64_t kMostLeavesAsked = (std::uint64_t{1} << 63) / kLeafElements;
constexpr std::uint64_t kTinyElements = 4096;
constexpr std::size_t kTinyBins = 4096;  // the states of a batch must fit one message
constexpr std::uint64_t kMostKernelFilesAChunk = 32;

Error invalid(std::string code, std::string message) {
  return Error(Errc::InvalidArgument, std::move(code), std::move(message));
}

}  // namespace

Result<Plan> Plan::make(const model::JobSpec& spec, Reduction reduction,
                        PathChoice choice, source::Inspection inspection) {
  Plan plan;
  plan.reduction_ = std::move(reduction);
  plan.choice_ = std::move(choice);
  if (const std::optional<std::uint64_t> carried = carried_elements(spec.source)) {
    const auto* values = std::get_if<model::ValuesSource>(&spec.source);
    plan.type_ = values != nullptr ? values->type : model::ElementType::I64;
    plan.input_bytes_ = values != nullptr ? values->bytes.size() : 0;
    plan.files_.push_back({{}, 0, 0, *carried});
  } else {
    plan.type_ = inspection.type;
    plan.in_bytes_ = inspection.in_bytes;
    plan.streams_ = inspection.streams;
    if (plan.reduction_.array_pair) {
      if (Result<void> ok = check_array_pair(inspection); !ok)
        return std::move(ok).error();
      plan.input_bytes_ += inspection.files.back().bytes;
      plan.partner_ = std::move(inspection.files.back());
      inspection.files.pop_back();
    }
    const bool named = std::holds_alternative<model::FilesSource>(spec.source);
    for (source::InspectedFile& file : inspection.files) {
      plan.input_bytes_ += file.bytes;
      const std::uint64_t size = inspection.in_bytes ? file.bytes : file.elements;
      if (named) plan.names_.push_back(file.name);
      plan.files_.push_back({std::move(file), 0, 0, size});
    }
  }
  for (const PlannedReducer& planned : plan.reduction_.reducers)
    if (planned.reducer != nullptr)
      if (Result<void> ok = reduce::check_type(*planned.reducer, plan.type_); !ok)
        return std::move(ok).error();
  if (plan.streams_ && plan.reduction_.quantiles() != 0)
    return invalid("quantile_of_stream",
                   "quantiles read their input several times, which a pipe does not "
                   "allow; write it to a file first, and give the file's name");
  for (const model::KernelInfo& kernel : plan.reduction_.kernel_infos)
    if (!model::takes_text(kernel))
      if (Result<void> ok = check_type(kernel, plan.type_); !ok)
        return std::move(ok).error();
  const auto* files = std::get_if<model::FilesSource>(&spec.source);
  // Beside files go the images of kernels, and what these share.
  const std::size_t kernels = plan.reduction_.kernels.size();
  const std::size_t others =
      kernels == 0 ? 0 : std::min(kernels + 1, kMostChunkFiles / 2);
  const std::size_t most_files = files != nullptr && files->windowed
                                     ? kMostChunkFiles - others
                                     : plan.files_.size();
  if (Result<void> ok = plan.cut(spec.chunk_size, most_files); !ok)
    return std::move(ok).error();
  // In csv and text an element takes two bytes, but for the last.
  const std::uint64_t most =
      plan.in_bytes_ ? plan.size_ / 2 + plan.files_.size() : plan.size_;
  set_windows(plan.reduction_, spec, plan.type_, most, inspection.sample);
  return plan;
}

// Whether no chunk of that many leaves reads more than so many files.
bool Plan::spans_at_most(std::uint64_t chunk_leaves, std::size_t files) const {
  if (chunk_leaves <= files) return true;  // a leaf is of one file
  std::uint64_t chunk = 0;
  std::size_t count = 0;
  for (const PlannedFile& file : files_) {
    if (file.leaves == 0) continue;
    const std::uint64_t first = file.first_leaf / chunk_leaves;
    count = first == chunk ? count + 1 : 1;
    if (count > files) return false;
    const std::uint64_t last = (file.first_leaf + file.leaves - 1) / chunk_leaves;
    if (last != first) count = 1;
    chunk = last;
  }
  return true;
}

Result<void> Plan::cut(std::uint64_t wanted_chunk_size, std::size_t most_files) {
  for (PlannedFile& file : files_) {
    file.first_leaf = leaves_;
    file.leaves = file.size / leaf_size() + (file.size % leaf_size() != 0 ? 1 : 0);
    size_ += file.size;
    leaves_ += file.leaves;
  }
  if (whole_files()) {  // an empty one is a chunk as well
    chunks_ = static_cast<std::uint32_t>(files_.size());
    return {};
  }
  // With kernels, a chunk's descriptors share their message with images.
  const std::uint64_t most_leaves =
      !reduction_.kernels.empty() && files_.size() > kMostKernelFilesAChunk
          ? kMostKernelFilesAChunk
          : kMostLeavesAsked;
  std::uint64_t per_chunk = 0;
  if (wanted_chunk_size != 0) {
    const std::uint64_t leaf_count =
        wanted_chunk_size / kLeafElements + (wanted_chunk_size % kLeafElements != 0);
    per_chunk = std::bit_ceil(std::min(leaf_count, most_leaves));
  } else {
    const std::uint64_t even =
        leaves_ / (std::uint64_t{choice_.workers} * kChunksPerSlot);
    per_chunk = std::bit_floor(std::clamp<std::uint64_t>(even, 1, kMaxChunkLeaves));
    per_chunk = std::min(per_chunk, most_leaves);
    while (leaves_ / per_chunk >= kMaxChunks && per_chunk < most_leaves) per_chunk *= 2;
  }
  while (!spans_at_most(per_chunk, most_files)) per_chunk /= 2;
  const std::uint64_t count = leaves_ / per_chunk + (leaves_ % per_chunk != 0 ? 1 : 0);
  if (count > kMaxChunks)
    return Error(Errc::InvalidArgument, "too_many_chunks",
                 "chunks of that size would be " + std::to_string(count) +
                     "; at most " + std::to_string(kMaxChunks) +
                     " are allowed: give a larger --chunk")
        .with("limit", std::int64_t{kMaxChunks});
  chunk_leaves_ = per_chunk;
  chunks_ = static_cast<std::uint32_t>(count);
  return {};
}

std::uint32_t Plan::parallel() const {
  return std::clamp(chunks_, std::uint32_t{1}, choice_.workers);
}

bool Plan::tiny() const {
  return !in_bytes_ && names_.empty() && size_ <= kTinyElements &&
         reduction_.bins() <= kTinyBins && reduction_.quantiles() == 0;
}

const std::string& Plan::file_name(std::uint32_t file) const {
  return names_.at(file);
}

std::vector<std::uint64_t> Plan::file_sizes() const {
  std::vector<std::uint64_t> sizes;
  sizes.reserve(files_.size());
  for (const PlannedFile& file : files_) sizes.push_back(file.size);
  return sizes;
}

std::uint64_t Plan::divisible_leaves(std::uint32_t chunk) const {
  // The kernels of a job of one chunk are finished with it: there is no further round.
  if (whole_files() || (chunks_ == 1 && !reduction_.kernels.empty())) return 1;
  return std::min(chunk_leaves_, leaves_ - std::uint64_t{chunk} * chunk_leaves_);
}

std::uint8_t Plan::level(const Part& part) const {
  if (whole_files()) return 0;
  const std::uint64_t leaves = part ? part->end - part->begin : chunk_leaves_;
  return static_cast<std::uint8_t>(std::bit_width(std::bit_ceil(leaves)) - 1);
}

// Calls f(file index, begin, end) for each run of a file that the chunk, or the part of
// it, owns, in order.
template <typename F>
void Plan::for_each_run(std::uint32_t chunk, const Part& part, F&& f) const {
  if (whole_files()) {
    f(chunk, std::uint64_t{0}, files_[chunk].size);
    return;
  }
  const std::uint64_t start = std::uint64_t{chunk} * chunk_leaves_;
  const std::uint64_t first = start + (part ? part->begin : 0);
  const std::uint64_t last =
      std::min(start + (part ? part->end : chunk_leaves_), leaves_);
  auto at = std::upper_bound(files_.begin(), files_.end(), first,
                             [](std::uint64_t leaf, const PlannedFile& file) {
                               return leaf < file.first_leaf;
                             }) -
            1;
  for (; at != files_.end() && at->first_leaf < last; ++at) {
    if (at->leaves == 0) continue;
    const std::uint64_t from = std::max(first, at->first_leaf) - at->first_leaf;
    const std::uint64_t to = std::min(last - at->first_leaf, at->leaves);
    if (from >= to) continue;
    const std::uint64_t end = to == at->leaves ? at->size : to * kLeafElements;
    f(static_cast<std::uint32_t>(at - files_.begin()), from * kLeafElements, end);
  }
}

model::ChunkTask Plan::task(const model::JobSpec& spec, const model::ChunkKey& key,
                            const Part& part,
                            std::vector<std::uint32_t>& descriptors) const {
  model::ChunkTask task;
  task.key = key;
  task.type = type_;
  task.columns = reduction_.columns;
  task.missing = spec.missing;
  task.nan = spec.nan;
  task.kernels = reduction_.kernels;
  task.finish_kernels = chunks_ == 1;
  if (const auto* range = std::get_if<model::RangeSource>(&spec.source)) {
    model::RangePiece piece{range->start, range->step, 0, 0};
    for_each_run(key.chunk, part,
                 [&](std::uint32_t, std::uint64_t begin, std::uint64_t end) {
                   piece.begin = begin;
                   piece.end = end;
                 });
    task.piece = piece;
    return task;
  }
  if (const auto* values = std::get_if<model::ValuesSource>(&spec.source)) {
    model::ValuesPiece piece;
    const std::size_t width = model::size_of(type_);
    for_each_run(key.chunk, part,
                 [&](std::uint32_t, std::uint64_t begin, std::uint64_t end) {
                   piece.begin = begin;
                   piece.end = end;
                   const auto* bytes = values->bytes.data();
                   piece.bytes.assign(bytes + begin * width, bytes + end * width);
                 });
    task.piece = std::move(piece);
    return task;
  }
  model::FilePieces pieces;
  const auto* source = std::get_if<model::FilesSource>(&spec.source);
  // Where the elements lie is all that remains of npy and memory.
  pieces.format = in_bytes_ ? source->format : model::FileFormat::Raw;
  if (in_bytes_) pieces.csv = source->csv;
  for_each_run(key.chunk, part,
               [&](std::uint32_t index, std::uint64_t begin, std::uint64_t end) {
                 const source::InspectedFile& file = files_[index].file;
                 model::FilePiece piece;
                 piece.file = index;
                 piece.name = file.name;
                 piece.descriptor = static_cast<std::uint32_t>(descriptors.size());
                 piece.data_offset_bytes = file.data_offset_bytes;
                 piece.begin = begin;
                 piece.end = end;
                 piece.columns = file.columns;
                 piece.fields = file.fields;
                 if (file.stream)
                   piece.stream.emplace().selectors = reduction_.selectors;
                 descriptors.push_back(file.descriptor);
                 if (partner_) {
                   piece.partner = {partner_->name,
                                    static_cast<std::uint32_t>(descriptors.size()),
                                    partner_->data_offset_bytes, 0};
                   descriptors.push_back(partner_->descriptor);
                 }
                 pieces.pieces.push_back(std::move(piece));
               });
  task.piece = std::move(pieces);
  return task;
}

std::vector<model::Span> Plan::spans(std::uint32_t chunk, const Part& part) const {
  std::vector<model::Span> spans;
  for_each_run(chunk, part,
               [&](std::uint32_t file, std::uint64_t begin, std::uint64_t end) {
                 if (begin < end) spans.push_back({file, begin, end});
               });
  return spans;
}

std::vector<std::uint32_t> Plan::files_of(std::uint32_t chunk) const {
  std::vector<std::uint32_t> files;
  for_each_run(chunk, {}, [&](std::uint32_t file, std::uint64_t, std::uint64_t) {
    files.push_back(file);
  });
  return files;
}

std::optional<std::uint64_t> Plan::elements(std::uint32_t chunk,
                                            const Part& part) const {
  if (in_bytes_ || stream_of(chunk)) return std::nullopt;
  return chunk_extent(chunk, part);
}

std::uint64_t Plan::byte_offset(std::uint32_t file, std::uint64_t begin) const {
  const std::uint64_t start = files_.at(file).file.data_offset_bytes;
  return start + (in_bytes_ ? begin : begin * model::size_of(type_));
}

std::optional<std::uint32_t> Plan::stream_of(std::uint32_t chunk) const {
  if (!streams_ || !files_[chunk].file.stream) return std::nullopt;
  return chunk;
}

std::uint64_t Plan::streams() const {
  if (!streams_) return 0;
  return static_cast<std::uint64_t>(std::ranges::count_if(
      files_, [](const PlannedFile& file) { return file.file.stream; }));
}

std::uint64_t Plan::chunk_extent(std::uint32_t chunk, const Part& part) const {
  std::uint64_t extent = 0;
  for_each_run(chunk, part, [&](std::uint32_t, std::uint64_t begin, std::uint64_t end) {
    extent += end - begin;
  });
  return extent;
}

}  // namespace tally::plan

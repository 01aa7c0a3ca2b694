#include "runtime/kernel/kernel_pass.h"

#include <algorithm>
#include <limits>

#include "runtime/kernel/kernel_images.h"
#include "runtime/source/leaves.h"

namespace tally::kernels {
namespace {

using source::kLeafBytes;
using source::kLeafElements;

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

std::uint64_t leaves_up_to(std::uint64_t end, std::uint64_t leaf_size) {
  return end / leaf_size + (end % leaf_size != 0 ? 1 : 0);
}

Error out_of_order() {
  return Error(Errc::Internal, "coverage_mismatch",
               "rows came that the chunk has not, or out of order");
}

}  // namespace

Result<std::unique_ptr<KernelPass>> KernelPass::open(const model::ChunkTask& task,
                                                     std::span<const int> descriptors,
                                                     const Services& services,
                                                     exec::ChunkPage& page,
                                                     BlockRooms& rooms) {
  auto kernels = open_kernels(task, descriptors, services, page);
  if (!kernels) return std::move(kernels).error();
  std::unique_ptr<KernelPass> pass(new KernelPass(task));
  pass->kernels_ = *std::move(kernels);
  while (rooms.size() < pass->kernels_.size()) rooms.emplace_back();
  for (std::size_t i = 0; i < pass->kernels_.size(); ++i) {
    Result<KernelFold> fold = KernelFold::make(task, *pass->kernels_[i], rooms[i]);
    if (!fold) return std::move(fold).error();
    pass->folds_.push_back(*std::move(fold));
  }
  pass->list_pieces();
  return pass;
}

void KernelPass::list_pieces() {
  const auto packed = [&](std::uint32_t file, const char* name, std::uint64_t begin,
                          std::uint64_t end) {
    pieces_.push_back({.file = file,
                       .name = name,
                       .leaf = begin / kLeafElements,
                       .end_leaf = leaves_up_to(end, kLeafElements),
                       .end_row = end});
  };
  if (const auto* range = std::get_if<model::RangePiece>(&task_.piece))
    packed(0, "", range->begin, range->end);
  if (const auto* values = std::get_if<model::ValuesPiece>(&task_.piece))
    packed(0, "", values->begin, values->end);
  if (const auto* files = std::get_if<model::FilePieces>(&task_.piece)) {
    in_bytes_ = files->format == model::FileFormat::Csv ||
                files->format == model::FileFormat::Text;
    for (const model::FilePiece& piece : files->pieces) {
      if (piece.stream)
        pieces_.push_back({.file = piece.file,
                           .name = piece.name.c_str(),
                           .end_leaf = kUnknown,
                           .stream = true});
      else if (in_bytes_)
        pieces_.push_back({.file = piece.file,
                           .name = piece.name.c_str(),
                           .end_leaf = leaves_up_to(piece.end, kLeafBytes)});
      else
        packed(piece.file, piece.name.c_str(), piece.begin, piece.end);
    }
  }
  skip_done_pieces();
}

// Goes to the next piece that has a leaf left.
void KernelPass::skip_done_pieces() {
  while (piece_ < pieces_.size() && pieces_[piece_].leaf >= pieces_[piece_].end_leaf)
    ++piece_;
  if (piece_ < pieces_.size())
    for (KernelFold& fold : folds_)
      fold.begin_file(pieces_[piece_].file, pieces_[piece_].name);
}

Result<void> KernelPass::end_leaf() {
  for (KernelFold& fold : folds_)
    if (Result<void> ended = fold.end_leaf(); !ended) return ended;
  begun_ = false;
  ++pieces_[piece_].leaf;
  skip_done_pieces();
  return {};
}

// Ends leaves until `leaf` of `file` is in hand, whose first row it is if it is new.
Result<void> KernelPass::go_to(std::uint32_t file, std::uint64_t leaf,
                               std::uint64_t first_row) {
  for (;;) {
    if (piece_ == pieces_.size()) return out_of_order();
    Piece& piece = pieces_[piece_];
    if (piece.file == file && piece.leaf == leaf) break;
    if (piece.file == file && piece.leaf > leaf) return out_of_order();
    // A stream ends where another file begins, as far as rows go.
    if (piece.file != file && piece.stream) piece.end_leaf = piece.leaf + 1;
    if (Result<void> ended = end_leaf(); !ended) return ended;
  }
  if (!begun_) leaf_first_row_ = first_row;
  begun_ = true;
  return {};
}

// Calls f for rows [begin, end) of the leaf in hand, cell of the grid by cell.
template <typename F>
Result<void> KernelPass::for_each_run(std::uint64_t begin, std::uint64_t end,
                                      bool packed, F&& f) {
  const std::uint64_t end_row = packed ? pieces_[piece_].end_row : 0;
  while (begin < end) {
    const std::uint64_t cell =
        begin - (begin - leaf_first_row_) % kBlockRows;  // where it starts
    RowRun run;
    run.begin = begin;
    run.end = std::min(end, cell + kBlockRows);
    run.last = run.end == cell + kBlockRows || run.end == end_row;
    run.whole = run.last && begin == cell;
    for (KernelFold& fold : folds_)
      if (Result<void> done = f(fold, run); !done) return done;
    begin = run.end;
  }
  return {};
}

Result<void> KernelPass::consume(const source::Batch& batch) {
  for (KernelFold& fold : folds_)
    if (Result<void> begun = fold.begin_batch(batch); !begun) return begun;
  const std::uint32_t file = batch.columns.front().file;
  const std::uint64_t end = batch.first_row + batch.rows;
  for (std::uint64_t begin = batch.first_row; begin < end;) {
    const std::uint64_t leaf = batch.leaf ? *batch.leaf : begin / kLeafElements;
    const std::uint64_t first = batch.leaf ? begin : leaf * kLeafElements;
    if (Result<void> there = go_to(file, leaf, first); !there) return there;
    const std::uint64_t stop =
        batch.leaf ? end : std::min(end, (leaf + 1) * kLeafElements);
    Result<void> done = for_each_run(
        begin, stop, !in_bytes_,
        [&](KernelFold& fold, const RowRun& run) { return fold.update(batch, run); });
    if (!done) return done;
    begin = stop;
  }
  return {};
}

Result<void> KernelPass::consume_range(std::int64_t first, std::int64_t step,
                                       std::uint64_t begin, std::uint64_t end) {
  const std::uint64_t origin = begin;
  while (begin < end) {
    const std::uint64_t leaf = begin / kLeafElements;
    if (Result<void> there = go_to(0, leaf, leaf * kLeafElements); !there) return there;
    const std::uint64_t stop = std::min(end, (leaf + 1) * kLeafElements);
    Result<void> done =
        for_each_run(begin, stop, true, [&](KernelFold& fold, const RowRun& run) {
          const std::uint64_t value =
              static_cast<std::uint64_t>(first) +
              (run.begin - origin) * static_cast<std::uint64_t>(step);
          return fold.update_range(static_cast<std::int64_t>(value), step, run);
        });
    if (!done) return done;
    begin = stop;
  }
  return {};
}

Result<void> KernelPass::finish(const std::vector<model::Span>& spans,
                                model::Partial& partial) {
  for (Piece& piece : pieces_) {
    if (!piece.stream || piece.end_leaf != kUnknown) continue;
    std::uint64_t extent = 0;
    for (const model::Span& span : spans)
      if (span.file == piece.file) extent = std::max(extent, span.end);
    piece.end_leaf = leaves_up_to(extent, in_bytes_ ? kLeafBytes : kLeafElements);
  }
  skip_done_pieces();
  while (piece_ < pieces_.size())
    if (Result<void> ended = end_leaf(); !ended) return ended;
  for (KernelFold& fold : folds_) {
    const Result<KernelState> root = fold.take();
    if (!root) return root.error();
    Result<std::vector<std::byte>> bytes = fold.kernel().serialise(*root);
    if (!bytes) return std::move(bytes).error();
    partial.kernels.push_back({fold.counts(), *std::move(bytes)});
    if (!task_.finish_kernels) continue;
    auto outputs = fold.kernel().finish(*root);
    if (!outputs) return std::move(outputs).error();
    partial.outputs.push_back(*std::move(outputs));
  }
  return {};
}

}  // namespace tally::kernels

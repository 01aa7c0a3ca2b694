#include "runtime/source/mapped_reader.h"

#include <algorithm>

#include "runtime/source/bounds.h"
#include "runtime/source/covered_spans.h"
#include "runtime/source/packed_batch.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {
namespace {

constexpr std::uint64_t kKernelsAlignment = 64;  // tally_kernel.h

class MappedReader final : public BlockReader {
 public:
  MappedReader(model::ElementType type, const model::FilePiece& piece,
               MappedArray& array)
      : element_bytes_(model::size_of(type)),
        piece_(piece),
        array_(array),
        at_(piece.begin) {}

  Result<bool> next(Batch& batch) override {
    if (at_ == piece_.end) {
      empty_batch(batch);
      return false;
    }
    // Blocks are as long as those that are read: whether the chunk is called off is
    // asked with each.
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(kReadBytes / element_bytes_, piece_.end - at_));
    const std::uint64_t begin = piece_.data_offset_bytes + at_ * element_bytes_;
    // Read only, and in whole blocks: kReadBytes and chunks are.
    fill_batch(batch,
               {.data = array_.at_hand(begin, begin + count * element_bytes_),
                .count = count,
                .file = piece_.file,
                .first_index = at_,
                .indices = nullptr},
               true);
    covered_.add(piece_.file, at_, at_ + count);
    at_ += count;
    return true;
  }

  void spans(std::vector<model::Span>& into) const override {
    covered_.append_to(into);
  }

 private:
  const std::size_t element_bytes_;
  const model::FilePiece& piece_;
  MappedArray& array_;
  std::uint64_t at_;  // the next element
  CoveredSpans covered_;
};

Error misfit(const char* what) {
  return Error(Errc::Internal, std::string("a kept array that does not fit: ") + what);
}

}  // namespace

bool is_mapped(const model::ChunkTask& task) {
  const auto* const files = std::get_if<model::FilePieces>(&task.piece);
  if (files == nullptr || files->kept_array == 0 || files->pieces.size() != 1 ||
      files->format != model::FileFormat::Raw || files->pieces.front().partner)
    return false;
  const model::FilePiece& piece = files->pieces.front();
  const std::uint64_t aligned =
      task.kernels.empty() ? model::size_of(task.type) : kKernelsAlignment;
  return !piece.stream && piece.data_offset_bytes % aligned == 0;
}

Result<std::unique_ptr<BlockReader>> open_mapped_reader(
    const model::ChunkTask& task, std::span<const int> descriptors,
    MappedArrays& arrays) {
  const auto& files = std::get<model::FilePieces>(task.piece);
  const model::FilePiece& piece = files.pieces.front();
  if (task.columns.size() != 1) return misfit("packed elements have one column");
  if (piece.descriptor >= descriptors.size()) return misfit("no such descriptor");
  const Result<MappedArray*> array =
      arrays.find(files.kept_array, descriptors[piece.descriptor]);
  if (!array) return array.error();
  const std::uint64_t bytes = model::size_of(task.type);
  if (!lies_within((*array)->bytes(), piece.data_offset_bytes, piece.begin, piece.end,
                   bytes))
    return misfit("the elements of a piece");
  return std::unique_ptr<BlockReader>(
      std::make_unique<MappedReader>(task.type, piece, **array));
}

}  // namespace tally::source

#include "runtime/source/paired_reader.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "runtime/source/bounds.h"
#include "runtime/source/covered_spans.h"
#include "runtime/source/packed_batch.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {
namespace {

// Of each array: both and the states fit in the second-level cache.
constexpr std::size_t kSideBytes = kReadBytes / 2;

// One of the two arrays: mapped, or else read into its room.
struct Side {
  const std::string* name = nullptr;  // for messages
  int descriptor = -1;
  std::uint64_t data_offset_bytes = 0;
  MappedArray* mapped = nullptr;
  std::byte* room = nullptr;

  Result<const std::byte*> at_hand(std::uint64_t begin, std::size_t bytes) const {
    const std::uint64_t offset = data_offset_bytes + begin;
    if (mapped != nullptr) return mapped->at_hand(offset, offset + bytes);
    const auto read = pread_exactly(descriptor, {room, bytes}, offset, *name);
    if (!read) return Error(read.error());
    return static_cast<const std::byte*>(room);
  }
};

class PairedReader final : public BlockReader {
 public:
  PairedReader(model::ElementType type, const model::FilePiece& piece,
               const std::array<Side, 2>& sides)
      : element_bytes_(model::size_of(type)),
        piece_(piece),
        sides_(sides),
        at_(piece.begin) {}

  Result<bool> next(Batch& batch) override {
    if (at_ == piece_.end) {
      empty_batch(batch);
      return false;
    }
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(kSideBytes / element_bytes_, piece_.end - at_));
    batch.columns.clear();
    for (const Side& side : sides_) {
      const auto data = side.at_hand(at_ * element_bytes_, count * element_bytes_);
      if (!data) return data.error();
      reduce::Block block;
      block.data = *data;
      block.count = count;
      block.file = piece_.file + static_cast<std::uint32_t>(batch.columns.size());
      block.first_index = at_;
      batch.columns.push_back(block);
    }
    batch.rows = count;
    batch.extent = count;
    batch.missing.assign(sides_.size(), 0);
    batch.first_row = at_;
    batch.read_only = false;
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
  const std::array<Side, 2> sides_;
  std::uint64_t at_;  // the next pair
  CoveredSpans covered_;
};

Error misfit(const char* what) {
  return Error(Errc::Internal,
               std::string("a pair of arrays that does not fit: ") + what);
}

}  // namespace

bool is_paired(const model::ChunkTask& task) {
  const auto* const files = std::get_if<model::FilePieces>(&task.piece);
  return files != nullptr && files->pieces.size() == 1 &&
         files->format == model::FileFormat::Raw && files->pieces.front().partner;
}

Result<std::unique_ptr<BlockReader>> open_paired_reader(
    const model::ChunkTask& task, std::span<const int> descriptors, Scratch& scratch,
    MappedArrays* arrays) {
  const auto& files = std::get<model::FilePieces>(task.piece);
  const model::FilePiece& piece = files.pieces.front();
  const model::PartnerPiece& partner = *piece.partner;
  if (model::input_columns(task.columns) != 2) return misfit("they have two columns");
  if (piece.descriptor >= descriptors.size() ||
      partner.descriptor >= descriptors.size())
    return misfit("no such descriptor");
  std::array<Side, 2> sides{
      Side{&piece.name, descriptors[piece.descriptor], piece.data_offset_bytes},
      Side{&partner.name, descriptors[partner.descriptor], partner.data_offset_bytes}};
  const std::array<std::uint64_t, 2> kept{files.kept_array, partner.kept_array};
  const std::uint64_t bytes = model::size_of(task.type);
  std::byte* room = aligned_room(scratch, 2 * kSideBytes);
  for (std::size_t i = 0; i < sides.size(); ++i) {
    Side& side = sides[i];
    side.room = room + i * kSideBytes;
    std::uint64_t size_bytes = std::numeric_limits<std::uint64_t>::max();
    if (arrays != nullptr && kept[i] != 0 && side.data_offset_bytes % bytes == 0) {
      const Result<MappedArray*> mapped = arrays->find(kept[i], side.descriptor);
      if (!mapped) return mapped.error();
      side.mapped = *mapped;
      size_bytes = side.mapped->bytes();
    }
    if (!lies_within(size_bytes, side.data_offset_bytes, piece.begin, piece.end, bytes))
      return misfit("the elements of a piece");
  }
  return std::unique_ptr<BlockReader>(
      std::make_unique<PairedReader>(task.type, piece, sides));
}

}  // namespace tally::source

#include "runtime/source/binary_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "runtime/source/bounds.h"
#include "runtime/source/covered_spans.h"
#include "runtime/source/packed_batch.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {
namespace {

// Where elements are read into, and where they are then looked at.
struct Room {
  std::byte* written = nullptr;
  const std::byte* read = nullptr;
};

class BinaryReader final : public BlockReader {
 public:
  BinaryReader(model::ElementType type, const std::vector<model::FilePiece>& pieces,
               std::span<const int> descriptors, Room room)
      : element_bytes_(model::size_of(type)),
        pieces_(pieces),
        descriptors_(descriptors),
        room_(room) {
    if (!pieces_.empty()) at_ = pieces_.front().begin;
  }

  Result<bool> next(Batch& batch) override {
    while (piece_ < pieces_.size() && at_ == pieces_[piece_].end)
      if (++piece_ < pieces_.size()) at_ = pieces_[piece_].begin;
    if (piece_ == pieces_.size()) {
      empty_batch(batch);
      return false;
    }
    const model::FilePiece& piece = pieces_[piece_];
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(kReadBytes / element_bytes_, piece.end - at_));
    const std::uint64_t offset = piece.data_offset_bytes + at_ * element_bytes_;
    const auto read =
        pread_exactly(descriptors_[piece.descriptor],
                      {room_.written, count * element_bytes_}, offset, piece.name);
    if (!read) return Error(read.error());
    fill_batch(batch,
               {.data = room_.read,
                .count = count,
                .file = piece.file,
                .first_index = at_,
                .indices = nullptr},
               room_.read != room_.written);
    covered_.add(piece.file, at_, at_ + count);
    at_ += count;
    return true;
  }

  void spans(std::vector<model::Span>& into) const override {
    covered_.append_to(into);
  }

 private:
  const std::size_t element_bytes_;
  const std::vector<model::FilePiece>& pieces_;
  const std::span<const int> descriptors_;
  const Room room_;
  std::size_t piece_ = 0;
  std::uint64_t at_ = 0;  // the next element of pieces_[piece_]
  CoveredSpans covered_;
};

class ValuesReader final : public BlockReader {
 public:
  ValuesReader(const void* data, std::uint64_t begin, std::uint64_t end)
      : data_(data), begin_(begin), end_(end) {}

  Result<bool> next(Batch& batch) override {
    if (done_ || begin_ == end_) {
      empty_batch(batch);
      return false;
    }
    done_ = true;
    fill_batch(batch,
               {.data = data_,
                .count = static_cast<std::size_t>(end_ - begin_),
                .file = 0,
                .first_index = begin_,
                .indices = nullptr},
               false);
    return true;
  }

  void spans(std::vector<model::Span>& into) const override {
    CoveredSpans covered;
    if (done_) covered.add(0, begin_, end_);
    covered.append_to(into);
  }

 private:
  const void* const data_;
  const std::uint64_t begin_;
  const std::uint64_t end_;
  bool done_ = false;
};

Error misfit(const char* what) {
  return Error(Errc::Internal, std::string("a chunk that does not fit: ") + what);
}

}  // namespace

Result<std::unique_ptr<BlockReader>> open_binary_reader(
    const model::ChunkTask& task, const model::FilePieces& pieces,
    std::span<const int> descriptors, Scratch& scratch) {
  if (task.columns.size() != 1) return misfit("packed elements have one column");
  const std::uint64_t bytes = model::size_of(task.type);
  for (const model::FilePiece& piece : pieces.pieces) {
    if (piece.descriptor >= descriptors.size()) return misfit("no such descriptor");
    if (!lies_within(std::numeric_limits<std::uint64_t>::max(), piece.data_offset_bytes,
                     piece.begin, piece.end, bytes))
      return misfit("the elements of a piece");
  }
  Room room;
  if (task.kernels.empty()) {
    room.written = aligned_room(scratch, kReadBytes);
    room.read = room.written;
  } else {
    if (Result<void> shown = scratch.shown.reserve(kReadBytes); !shown)
      return std::move(shown).error();
    room = {scratch.shown.writable(), scratch.shown.readable()};
  }
  return std::unique_ptr<BlockReader>(
      std::make_unique<BinaryReader>(task.type, pieces.pieces, descriptors, room));
}

Result<std::unique_ptr<BlockReader>> open_values_reader(const model::ChunkTask& task,
                                                        const model::ValuesPiece& piece,
                                                        Scratch& scratch) {
  if (task.columns.size() != 1) return misfit("values have one column");
  const std::size_t bytes = model::size_of(task.type);
  if (piece.begin > piece.end || piece.bytes.size() % bytes != 0 ||
      piece.bytes.size() / bytes != piece.end - piece.begin)
    return misfit("the number of values");
  const void* data = piece.bytes.data();
  if (reinterpret_cast<std::uintptr_t>(data) % bytes != 0) {
    std::byte* room = aligned_room(scratch, piece.bytes.size());
    std::memcpy(room, piece.bytes.data(), piece.bytes.size());
    data = room;
  }
  return std::unique_ptr<BlockReader>(
      std::make_unique<ValuesReader>(data, piece.begin, piece.end));
}

}  // namespace tally::source

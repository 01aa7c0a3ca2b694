#include "runtime/source/raw_stream_reader.h"

#include <string>

#include "runtime/source/covered_spans.h"
#include "runtime/source/record_buffer.h"

namespace tally::source {
namespace {

class RawStreamReader final : public BlockReader {
 public:
  RawStreamReader(model::ElementType type, const std::vector<model::FilePiece>& pieces,
                  std::span<const int> descriptors, Scratch& scratch)
      : type_(type),
        pieces_(pieces),
        descriptors_(descriptors),
        input_(scratch.buffer) {
    if (!pieces_.empty()) open_piece();
  }

  void heed(const Cancellation& cancellation) override { input_.heed(cancellation); }

  Result<bool> next(Batch& batch) override {
    const std::size_t width = model::size_of(type_);
    input_.consume(handed_over_ * width);
    handed_over_ = 0;
    while (piece_ < pieces_.size()) {
      if (const std::size_t count = input_.text().size() / width; count != 0) {
        hand_over(batch, count);
        return true;
      }
      if (!input_.at_end()) {
        if (Result<void> read = input_.refill(); !read) return std::move(read).error();
      } else if (!input_.text().empty()) {
        return torn();
      } else if (++piece_ < pieces_.size()) {
        open_piece();
      }
    }
    batch.rows = 0;
    batch.extent = 0;
    batch.columns.clear();
    batch.missing.clear();
    return false;
  }

  void spans(std::vector<model::Span>& into) const override {
    covered_.append_to(into);
  }

 private:
  void open_piece() {
    const model::FilePiece& piece = pieces_[piece_];
    input_.open_stream(descriptors_[piece.descriptor], piece.name);
    at_ = 0;
  }

  void hand_over(Batch& batch, std::size_t count) {
    const std::uint32_t file = pieces_[piece_].file;
    batch.rows = count;
    batch.extent = count;
    // A refill moves what is left to the start of the memory: always aligned.
    batch.columns.assign(1, {.data = input_.text().data(),
                             .count = count,
                             .file = file,
                             .first_index = at_,
                             .indices = nullptr});
    batch.missing.assign(1, 0);
    batch.first_row = at_;
    batch.read_only = false;
    covered_.add(file, at_, at_ + count);
    at_ += count;
    handed_over_ = count;
  }

  Error torn() const {
    const std::string& file = pieces_[piece_].name;
    const auto width = static_cast<std::int64_t>(model::size_of(type_));
    const auto found =
        static_cast<std::int64_t>(input_.consumed() + input_.text().size());
    return Error(Errc::InvalidData, "bad_raw_size",
                 file + ": a multiple of " + std::to_string(width) +
                     " bytes expected (" + std::string(model::name_of(type_)) + "), " +
                     std::to_string(found) + " bytes came")
        .with("file", file)
        .with("expected_multiple", width)
        .with("found_bytes", found);
  }

  const model::ElementType type_;
  const std::vector<model::FilePiece>& pieces_;
  const std::span<const int> descriptors_;
  RecordBuffer input_;
  std::size_t piece_ = 0;
  std::uint64_t at_ = 0;         // the next element of the stream
  std::size_t handed_over_ = 0;  // elements of the batch that is still in use
  CoveredSpans covered_;
};

}  // namespace

std::unique_ptr<BlockReader> open_raw_stream_reader(const model::ChunkTask& task,
                                                    const model::FilePieces& pieces,
                                                    std::span<const int> descriptors,
                                                    Scratch& scratch) {
  return std::make_unique<RawStreamReader>(task.type, pieces.pieces, descriptors,
                                           scratch);
}

}  // namespace tally::source

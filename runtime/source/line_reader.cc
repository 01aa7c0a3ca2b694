#include "runtime/source/line_reader.h"

#include <string_view>

#include "runtime/source/covered_spans.h"
#include "runtime/source/leaves.h"
#include "runtime/source/record_buffer.h"

namespace tally::source {
namespace {

constexpr std::string_view kMark = "\xEF\xBB\xBF";

class LineReader final : public BlockReader {
 public:
  LineReader(const std::vector<model::FilePiece>& pieces,
             std::span<const int> descriptors, Scratch& scratch,
             LineReaderOptions options)
      : pieces_(pieces),
        descriptors_(descriptors),
        batch_lines_(options.batch_lines),
        input_(scratch.buffer, options.read_bytes) {
    lines_.reserve(batch_lines_);
    if (!pieces_.empty()) open_piece();
  }

  void heed(const Cancellation& cancellation) override { input_.heed(cancellation); }

  Result<bool> next(Batch& batch) override {
    batch = {};
    lines_.clear();
    while (piece_ < pieces_.size()) {
      if (Result<void> filled = fill(); !filled) return std::move(filled).error();
      if (!lines_.empty()) {
        hand_over(batch);
        return true;
      }
      if (!input_.at_end()) {
        if (Result<void> read = input_.refill(); !read) return std::move(read).error();
      } else {
        cover();
        if (++piece_ < pieces_.size()) open_piece();
      }
    }
    return false;
  }

  void spans(std::vector<model::Span>& into) const override {
    covered_.append_to(into);
  }

 private:
  void open_piece() {
    const model::FilePiece& piece = pieces_[piece_];
    const int descriptor = descriptors_[piece.descriptor];
    if (piece.stream)
      input_.open_stream(descriptor, piece.name);
    else
      input_.open(descriptor, piece.data_offset_bytes, piece.end, piece.name);
    covered_bytes_ = 0;
    line_ = 0;
    started_ = false;
  }

  // Takes lines of one leaf until the batch is full or the buffer holds no whole one.
  Result<void> fill() {
    if (!started_) {
      if (input_.text().size() < kMark.size() && !input_.at_end()) return {};
      if (input_.text().starts_with(kMark)) input_.consume(kMark.size());
      started_ = true;
    }
    while (lines_.size() < batch_lines_) {
      const std::string_view text = input_.text();
      if (text.empty()) return {};
      const std::uint64_t leaf = input_.consumed() / kLeafBytes;
      if (lines_.empty()) leaf_ = leaf;
      if (leaf != leaf_) return {};
      const std::size_t end = text.find('\n');
      std::string_view line = text.substr(0, end);
      if (line.size() > kMaxRecordBytes) return too_long();
      if (end == std::string_view::npos && !input_.at_end()) return {};
      input_.consume(end == std::string_view::npos ? text.size() : end + 1);
      if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
      lines_.push_back({line.data(), line.size()});
    }
    return {};
  }

  void hand_over(Batch& batch) {
    batch.rows = lines_.size();
    batch.extent = input_.consumed() - covered_bytes_;
    batch.columns.push_back({.data = lines_.data(),
                             .count = lines_.size(),
                             .file = pieces_[piece_].file,
                             .first_index = line_,
                             .indices = nullptr});
    batch.missing.push_back(0);
    batch.first_row = line_;
    batch.leaf = leaf_;
    line_ += lines_.size();
    cover();
  }

  void cover() {
    covered_.add(pieces_[piece_].file, covered_bytes_, input_.consumed());
    covered_bytes_ = input_.consumed();
  }

  Error too_long() const {
    const std::string& file = pieces_[piece_].name;
    const std::uint64_t line = line_ + lines_.size() + 1;
    return Error(Errc::InvalidData, "line_too_long",
                 file + ", line " + std::to_string(line) + ": longer than " +
                     std::to_string(kMaxRecordBytes >> 20U) +
                     " MiB, the most that is accepted; is this a file of text?")
        .with("file", file)
        .with("line", static_cast<std::int64_t>(line))
        .with("limit", static_cast<std::int64_t>(kMaxRecordBytes));
  }

  const std::vector<model::FilePiece>& pieces_;
  const std::span<const int> descriptors_;
  const std::size_t batch_lines_;
  RecordBuffer input_;
  std::size_t piece_ = 0;
  std::uint64_t covered_bytes_ = 0;
  std::uint64_t line_ = 0;  // of the next batch
  bool started_ = false;    // the byte order mark is behind us
  std::vector<TextCell> lines_;
  std::uint64_t leaf_ = 0;  // of the lines
  CoveredSpans covered_;
};

}  // namespace

std::unique_ptr<BlockReader> open_line_reader(const model::FilePieces& pieces,
                                              std::span<const int> descriptors,
                                              Scratch& scratch,
                                              LineReaderOptions options) {
  return std::make_unique<LineReader>(pieces.pieces, descriptors, scratch, options);
}

}  // namespace tally::source

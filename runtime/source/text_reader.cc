#include "runtime/source/text_reader.h"

#include <algorithm>
#include <limits>

#include "ipc/base/float_environment.h"
#include "runtime/source/cell_error.h"
#include "runtime/source/covered_spans.h"
#include "runtime/source/excerpt.h"
#include "runtime/source/leaves.h"
#include "runtime/source/line_reader.h"
#include "runtime/source/number_text.h"
#include "runtime/source/plain_number.h"
#include "runtime/source/record_buffer.h"

namespace tally::source {
namespace {

constexpr std::size_t kElementBytes = 8;  // the largest element; also an index
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
constexpr std::string_view kMark = "\xEF\xBB\xBF";

bool is_space(char byte) {
  return byte == ' ' || static_cast<unsigned char>(byte - '\t') < 5;  // \t\n\v\f\r
}

const char* skip_space(const char* at, const char* end) {
  while (at != end && is_space(*at)) ++at;
  return at;
}

const char* skip_word(const char* at, const char* end) {
  while (at != end && !is_space(*at)) ++at;
  return at;
}

// Past the last white space of `text`; its start if there is none.
std::size_t whole_words(std::string_view text) {
  std::size_t bytes = text.size();
  while (bytes != 0 && !is_space(text[bytes - 1])) --bytes;
  return bytes;
}

std::uint64_t count_words(std::string_view text) {
  std::uint64_t words = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  while ((at = skip_space(at, end)) != end) {
    ++words;
    at = skip_word(at, end);
  }
  return words;
}

class TextReader final : public BlockReader {
 public:
  TextReader(const model::ChunkTask& task, const model::FilePieces& pieces,
             std::span<const int> descriptors, Scratch& scratch,
             TextReaderOptions options)
      : task_(task),
        pieces_(pieces.pieces),
        descriptors_(descriptors),
        capacity_(options.batch_elements),
        kernels_(!task.kernels.empty()),
        input_(scratch.buffer, options.read_bytes) {
    scratch.cells.resize(std::max(scratch.cells.size(), 2 * capacity_ * kElementBytes));
    values_ = scratch.cells.data();
    indices_ = reinterpret_cast<std::uint64_t*>(values_ + capacity_ * kElementBytes);
    if (!pieces_.empty()) open_piece();
  }

  void heed(const Cancellation& cancellation) override { input_.heed(cancellation); }

  Result<bool> next(Batch& batch) override {
    // Parsing rounds: a host program's rounding mode must not reach it.
    const FloatEnvironment environment;
    while (piece_ < pieces_.size()) {
      if (Result<void> filled = fill(); !filled) return std::move(filled).error();
      if (elements() != 0) {
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
  std::uint64_t elements() const { return count_ + missing_; }
  void open_piece();
  void cover();
  [[gnu::noinline]] Result<void> fill();
  template <typename T>
  Result<void> fill_of(std::string_view words);
  void skip_element();
  void passed(std::string_view text, std::uint64_t words);
  Error word_error(NumberStatus status, std::string_view word) const;
  Error too_long(std::string_view word) const;
  void hand_over(Batch& batch);

  // Constant after construction.
  const model::ChunkTask& task_;
  const std::vector<model::FilePiece>& pieces_;
  const std::span<const int> descriptors_;
  const std::size_t capacity_;
  const bool kernels_;  // the task has some: batches end where leaves do
  std::byte* values_ = nullptr;
  std::uint64_t* indices_ = nullptr;  // valid once something is missing in the batch

  // The piece in hand.
  RecordBuffer input_;
  std::size_t piece_ = 0;
  std::uint64_t covered_bytes_ = 0;
  std::uint64_t line_ = 1;        // of the next byte
  std::uint64_t line_words_ = 0;  // on that line, before the next byte
  std::uint64_t element_ = 0;     // of the next word that is handed over
  bool started_ = false;          // the byte order mark is behind us
  std::uint64_t leaf_ = 0;        // of the batch
  std::uint64_t leaf_end_ = kNever;

  // The batch in hand.
  std::size_t count_ = 0;
  std::uint64_t missing_ = 0;

  CoveredSpans covered_;
};

void TextReader::open_piece() {
  const model::FilePiece& piece = pieces_[piece_];
  const int descriptor = descriptors_[piece.descriptor];
  if (piece.stream)
    input_.open_stream(descriptor, piece.name);
  else
    input_.open(descriptor, piece.data_offset_bytes, piece.end, piece.name);
  covered_bytes_ = 0;
  line_ = 1;
  line_words_ = 0;
  element_ = 0;
  started_ = false;
  leaf_ = 0;
  leaf_end_ = kernels_ ? kLeafBytes : kNever;
}

void TextReader::cover() {
  covered_.add(pieces_[piece_].file, covered_bytes_, input_.consumed());
  covered_bytes_ = input_.consumed();
}

// Takes words until the batch is full or the buffer holds no whole one any more.
Result<void> TextReader::fill() {
  if (!started_) {
    if (input_.text().size() < kMark.size() && !input_.at_end()) return {};
    if (input_.text().starts_with(kMark)) input_.consume(kMark.size());
    started_ = true;
  }
  const std::string_view text = input_.text();
  const std::size_t whole = input_.at_end() ? text.size() : whole_words(text);
  if (text.size() - whole > kMaxWordBytes) {
    passed(text.substr(0, whole), count_words(text.substr(0, whole)));
    return too_long(text.substr(whole));
  }
  return model::with_type(task_.type, [&](auto zero) {
    return fill_of<decltype(zero)>(text.substr(0, whole));
  });
}

template <typename T>
Result<void> TextReader::fill_of(std::string_view words) {
  T* const values = reinterpret_cast<T*>(values_);
  const char* at = words.data();
  const char* const end = at + words.size();
  const std::uint64_t consumed = input_.consumed();
  while (elements() < capacity_) {
    at = skip_space(at, end);
    if (at == end) break;
    const std::uint64_t offset =
        consumed + static_cast<std::uint64_t>(at - words.data());
    if (offset >= leaf_end_) [[unlikely]] {
      if (elements() != 0) break;  // they are of the leaf before
      leaf_ = offset / kLeafBytes;
      leaf_end_ = (leaf_ + 1) * kLeafBytes;
    }
    const char* after = plain_number(at, end, values[count_]);
    if (after != nullptr && (after == end || is_space(*after))) [[likely]] {
      if (missing_ != 0) indices_[count_] = element_ + elements();
      ++count_;
      at = after;
      continue;
    }
    after = skip_word(at, end);
    const std::string_view word(at, static_cast<std::size_t>(after - at));
    const NumberStatus status = word.size() > kMaxWordBytes
                                    ? NumberStatus::NotANumber
                                    : parse_number(word, values[count_]);
    if (status == NumberStatus::Ok) {
      if (missing_ != 0) indices_[count_] = element_ + elements();
      ++count_;
    } else if (status == NumberStatus::Missing &&
               task_.missing == model::MissingPolicy::Skip) {
      skip_element();
    } else {
      passed(words.substr(0, static_cast<std::size_t>(at - words.data())), elements());
      return word.size() > kMaxWordBytes ? too_long(word) : word_error(status, word);
    }
    at = after;
  }
  const auto bytes = static_cast<std::size_t>(at - words.data());
  passed(words.substr(0, bytes), elements());
  input_.consume(bytes);
  return {};
}

void TextReader::skip_element() {
  if (missing_ == 0)
    for (std::size_t i = 0; i < count_; ++i) indices_[i] = element_ + i;
  ++missing_;
}

// Keeps the account of lines: `text`, in which there are `words`, lies behind us.
void TextReader::passed(std::string_view text, std::uint64_t words) {
  const std::size_t last = text.rfind('\n');
  if (last == std::string_view::npos) {
    line_words_ += words;
    return;
  }
  line_ += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  line_words_ = count_words(text.substr(last + 1));
}

Error TextReader::word_error(NumberStatus status, std::string_view word) const {
  const Field field{word};
  return cell_error(status, {.file = pieces_[piece_].name,
                             .line = line_,
                             .column = line_words_ + 1,
                             .type = task_.type,
                             .field = &field,
                             .of_text = true});
}

Error TextReader::too_long(std::string_view word) const {
  const std::string& file = pieces_[piece_].name;
  return Error(Errc::InvalidData, "number_too_long",
               file + ", line " + std::to_string(line_) + ", column " +
                   std::to_string(line_words_ + 1) + ": \"" + excerpt(word) +
                   "\" goes on for more than " + std::to_string(kMaxWordBytes) +
                   " bytes without white space, the most that is accepted; is this a "
                   "file of numbers?")
      .with("file", file)
      .with("line", static_cast<std::int64_t>(line_))
      .with("column", static_cast<std::int64_t>(line_words_ + 1))
      .with("limit", static_cast<std::int64_t>(kMaxWordBytes));
}

void TextReader::hand_over(Batch& batch) {
  const bool gaps = missing_ != 0;
  batch.rows = elements();
  batch.extent = input_.consumed() - covered_bytes_;
  batch.columns.assign(1, {.data = values_,
                           .count = count_,
                           .file = pieces_[piece_].file,
                           .first_index = gaps && count_ != 0 ? indices_[0] : element_,
                           .indices = gaps ? indices_ : nullptr});
  batch.missing.assign(1, missing_);
  batch.first_row = element_;
  batch.read_only = false;
  if (kernels_) batch.leaf = leaf_;
  element_ += elements();
  count_ = 0;
  missing_ = 0;
  cover();
}

Error misfit(const std::string& name, const char* what) {
  return Error(Errc::Internal, name + ": a chunk that does not fit: " + what);
}

}  // namespace

Result<std::unique_ptr<BlockReader>> open_text_reader(const model::ChunkTask& task,
                                                      const model::FilePieces& pieces,
                                                      std::span<const int> descriptors,
                                                      Scratch& scratch,
                                                      TextReaderOptions options) {
  if (task.columns.size() != 1) return misfit("text", "it has one column");
  for (const model::FilePiece& piece : pieces.pieces) {
    if (piece.descriptor >= descriptors.size())
      return misfit(piece.name, "no such descriptor");
    if (piece.begin != 0) return misfit(piece.name, "a piece that is not a whole file");
  }
  if (task.columns.front().text) return open_line_reader(pieces, descriptors, scratch);
  return std::unique_ptr<BlockReader>(
      std::make_unique<TextReader>(task, pieces, descriptors, scratch, options));
}

}  // namespace tally::source

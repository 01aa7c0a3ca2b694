#include "runtime/source/csv_reader.h"

#include <algorithm>
#include <deque>
#include <limits>

#include "ipc/base/float_environment.h"
#include "runtime/source/cell_error.h"
#include "runtime/source/covered_spans.h"
#include "runtime/source/csv_columns.h"
#include "runtime/source/csv_scanner.h"
#include "runtime/source/leaves.h"
#include "runtime/source/number_text.h"
#include "runtime/source/record_buffer.h"

namespace tally::source {
namespace {

constexpr std::size_t kMaxBatchRows = 4096;
constexpr std::size_t kMinBatchRows = 64;
constexpr std::size_t kBatchCells = 65536;            // of all columns together
constexpr std::size_t kCellBytes = sizeof(TextCell);  // the largest element
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

// One of the task's columns while a batch is filled.
struct Slot {
  std::uint32_t place = 0;  // the field's, from 0
  std::size_t column = 0;   // the task's
  bool text = false;        // its elements are TextCells
  std::byte* values = nullptr;
  std::uint64_t* indices = nullptr;  // valid once something is missing in the batch
  std::size_t count = 0;
  std::uint64_t missing = 0;
  Field field;  // of the record in hand
};

class CsvReader final : public BlockReader {
 public:
  CsvReader(const model::ChunkTask& task, const model::FilePieces& pieces,
            std::span<const int> descriptors, Scratch& scratch,
            CsvReaderOptions options)
      : task_(task),
        pieces_(pieces.pieces),
        dialect_(pieces.csv),
        descriptors_(descriptors),
        scratch_(scratch),
        batch_rows_(options.batch_rows != 0
                        ? options.batch_rows
                        : std::clamp(kBatchCells / model::input_columns(task.columns),
                                     kMinBatchRows, kMaxBatchRows)),
        kernels_(!task.kernels.empty()),
        input_(scratch.buffer, options.read_bytes),
        slots_(model::input_columns(task.columns)) {
    if (!pieces_.empty()) open_piece();
  }

  void heed(const Cancellation& cancellation) override { input_.heed(cancellation); }

  Result<bool> next(Batch& batch) override {
    // Parsing rounds: a host program's rounding mode must not reach it.
    const FloatEnvironment environment;
    unescaped_.clear();
    while (piece_ < pieces_.size()) {
      auto stop = fill_rows();
      if (!stop) return Error(std::move(stop).error());
      if (rows_ != 0) {
        hand_over(batch);
        return true;
      }
      if (*stop == ScanStatus::NeedMore) {
        auto read = input_.refill();
        if (!read) return Error(std::move(read).error());
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
  void open_piece();
  void sort_slots();
  void cover();
  Result<ScanStatus> find_columns();
  [[gnu::noinline]] Result<ScanStatus> fill_rows();
  template <typename T>
  Result<ScanStatus> fill_rows_of();
  Result<ScanStatus> not_a_record(const Scan& scan);
  Result<void> first_record(const Scan& scan);
  template <typename T>
  bool store_cells();
  template <typename T>
  NumberStatus store_cell(Slot& slot, T* values);
  NumberStatus store_text(Slot& slot);
  void skip_cell(Slot& slot);
  bool next_leaf();
  Error bad_cell(const Slot& slot, NumberStatus status) const;
  Error ragged_row(std::uint32_t fields) const;
  void hand_over(Batch& batch);

  // Constant after construction.
  const model::ChunkTask& task_;
  const std::vector<model::FilePiece>& pieces_;
  const model::CsvDialect dialect_;
  const std::span<const int> descriptors_;
  Scratch& scratch_;
  const std::size_t batch_rows_;
  const bool kernels_;  // the task has some: batches end where leaves do

  // The piece in hand.
  RecordBuffer input_;
  std::size_t piece_ = 0;
  std::uint64_t covered_bytes_ = 0;
  std::uint64_t line_ = 1;   // of the next byte
  std::uint64_t row_ = 0;    // of the next data record
  std::uint32_t width_ = 0;  // fields in a record; 0: not known yet
  bool started_ = false;     // the byte order mark is behind us
  bool header_due_ = false;
  bool columns_due_ = false;  // of a stream: its first record says where they are
  std::uint64_t leaf_ = 0;    // of the batch
  std::uint64_t leaf_end_ = kNever;

  // The batch in hand.
  std::vector<Slot> slots_;  // by place, so that errors come in file order
  std::size_t rows_ = 0;
  std::deque<std::string> unescaped_;  // cells of text that had quotes in them
  const Slot* failed_ = nullptr;
  NumberStatus failure_ = NumberStatus::Ok;

  CoveredSpans covered_;
};

void CsvReader::open_piece() {
  const model::FilePiece& piece = pieces_[piece_];
  const int descriptor = descriptors_[piece.descriptor];
  if (piece.stream)
    input_.open_stream(descriptor, piece.name);
  else
    input_.open(descriptor, piece.data_offset_bytes, piece.end, piece.name);
  covered_bytes_ = 0;
  line_ = 1;
  row_ = 0;
  width_ = piece.fields;
  started_ = false;
  header_due_ = dialect_.header;
  columns_due_ = piece.stream.has_value();
  leaf_ = 0;
  leaf_end_ = kernels_ ? kLeafBytes : kNever;

  const std::size_t column_bytes = batch_rows_ * kCellBytes;
  scratch_.cells.resize(
      std::max(scratch_.cells.size(), 2 * slots_.size() * column_bytes));
  for (std::size_t column = 0; column < slots_.size(); ++column) {
    std::byte* room = scratch_.cells.data() + 2 * column * column_bytes;
    slots_[column] = Slot{};
    slots_[column].place = columns_due_ ? kNoColumn : piece.columns[column];
    slots_[column].column = column;
    slots_[column].text = task_.columns[column].text;
    slots_[column].values = room;
    slots_[column].indices = reinterpret_cast<std::uint64_t*>(room + column_bytes);
  }
  sort_slots();
}

void CsvReader::sort_slots() {
  std::sort(slots_.begin(), slots_.end(), [](const Slot& a, const Slot& b) {
    return a.place != b.place ? a.place < b.place : a.column < b.column;
  });
}

// Looks at a stream's first record, which is left to be read. NeedMore if it has not
// come whole.
Result<ScanStatus> CsvReader::find_columns() {
  const model::FilePiece& piece = pieces_[piece_];
  for (;;) {
    const Scan scan = scan_record(input_.text(), input_.at_end(), dialect_.delimiter,
                                  [](std::uint32_t, const Field&) {});
    if (scan.bytes > kMaxRecordBytes) return record_too_long(scan, piece.name, line_);
    if (scan.status == ScanStatus::Blank) {
      line_ += scan.lines;
      input_.consume(scan.bytes);
      continue;
    }
    if (scan.status != ScanStatus::Record && scan.status != ScanStatus::End)
      return not_a_record(scan);
    const auto found =
        csv_columns_of({input_.text().substr(0, scan.bytes), scan.fields}, piece.name,
                       dialect_, piece.stream->selectors);
    if (!found) return found.error();
    for (Slot& slot : slots_) slot.place = found->places[slot.column];
    sort_slots();
    columns_due_ = false;
    return scan.status;
  }
}

void CsvReader::cover() {
  covered_.add(pieces_[piece_].file, covered_bytes_, input_.consumed());
  covered_bytes_ = input_.consumed();
}

Result<ScanStatus> CsvReader::fill_rows() {
  if (!started_) {
    static constexpr std::string_view kMark = "\xEF\xBB\xBF";
    if (input_.text().size() < kMark.size() && !input_.at_end())
      return ScanStatus::NeedMore;
    if (input_.text().starts_with(kMark)) input_.consume(kMark.size());
    started_ = true;
  }
  if (columns_due_) {
    auto found = find_columns();
    if (!found || *found == ScanStatus::NeedMore) return found;
  }
  return model::with_type(task_.type,
                          [this](auto zero) { return fill_rows_of<decltype(zero)>(); });
}

// Takes records until the batch is full, the buffer is used up (NeedMore) or the piece
// is (End).
template <typename T>
Result<ScanStatus> CsvReader::fill_rows_of() {
  while (rows_ < batch_rows_) {
    if (input_.consumed() >= leaf_end_ && !next_leaf()) return ScanStatus::Record;
    Slot* wanted = slots_.data();
    Slot* const last = wanted + slots_.size();
    const Scan scan =
        scan_record(input_.text(), input_.at_end(), dialect_.delimiter,
                    [&wanted, last](std::uint32_t place, const Field& field) {
                      while (wanted != last && wanted->place == place)
                        (wanted++)->field = field;
                    });
    if (scan.bytes > kMaxRecordBytes)
      return record_too_long(scan, pieces_[piece_].name, line_);
    if (scan.status == ScanStatus::Record) {
      if (width_ == 0) {
        auto first = first_record(scan);
        if (!first) return Error(std::move(first).error());
      }
      if (scan.fields != width_) return ragged_row(scan.fields);
      if (header_due_) {
        header_due_ = false;
      } else {
        if (!store_cells<T>()) return bad_cell(*failed_, failure_);
        ++rows_;
      }
    } else if (scan.status != ScanStatus::Blank) {
      return not_a_record(scan);
    }
    line_ += scan.lines;
    input_.consume(scan.bytes);
  }
  return ScanStatus::Record;
}

// Of a task with kernels: the next record begins behind the leaf in hand. False if the
// batch has rows, which must go first.
bool CsvReader::next_leaf() {
  if (rows_ != 0) return false;
  leaf_ = input_.consumed() / kLeafBytes;
  leaf_end_ = (leaf_ + 1) * kLeafBytes;
  return true;
}

Result<ScanStatus> CsvReader::not_a_record(const Scan& scan) {
  if (scan.status == ScanStatus::NeedMore || scan.status == ScanStatus::End)
    return scan.status;
  return scan_error(scan, pieces_[piece_].name, line_);
}

// Where the piece does not say how wide records are, the first one does.
Result<void> CsvReader::first_record(const Scan& scan) {
  width_ = scan.fields;
  for (const Slot& slot : slots_)
    if (slot.place != kNoColumn && slot.place >= width_)
      return Error(Errc::Internal,
                   pieces_[piece_].name +
                       ": a chunk that does not fit: " + "the place of a column");
  return {};
}

template <typename T>
bool CsvReader::store_cells() {
  for (Slot& slot : slots_) {
    if (slot.place == kNoColumn) {
      ++slot.count;
      continue;
    }
    const NumberStatus status =
        slot.text ? store_text(slot)
                  : store_cell(slot, reinterpret_cast<T*>(slot.values));
    if (status == NumberStatus::Ok) continue;
    if (status == NumberStatus::Missing &&
        task_.missing == model::MissingPolicy::Skip) {
      skip_cell(slot);
      continue;
    }
    failed_ = &slot;
    failure_ = status;
    return false;
  }
  return true;
}

template <typename T>
NumberStatus CsvReader::store_cell(Slot& slot, T* values) {
  const NumberStatus status = parse_number(slot.field.text, values[slot.count]);
  if (status != NumberStatus::Ok) return status;
  if (slot.missing != 0) slot.indices[slot.count] = row_ + rows_;
  ++slot.count;
  return status;
}

// A cell without a byte is missing; "" is text, of no characters.
NumberStatus CsvReader::store_text(Slot& slot) {
  const Field& field = slot.field;
  if (field.text.empty() && !field.quoted) return NumberStatus::Missing;
  std::string_view text = field.text;
  if (field.doubled) text = unescaped_.emplace_back(unescaped(field));
  reinterpret_cast<TextCell*>(slot.values)[slot.count] = {text.data(), text.size()};
  if (slot.missing != 0) slot.indices[slot.count] = row_ + rows_;
  ++slot.count;
  return NumberStatus::Ok;
}

void CsvReader::skip_cell(Slot& slot) {
  // Until the first gap, indices are consecutive and nobody wrote them down.
  if (slot.missing == 0)
    for (std::size_t i = 0; i < slot.count; ++i) slot.indices[i] = row_ + i;
  ++slot.missing;
}

Error CsvReader::bad_cell(const Slot& slot, NumberStatus status) const {
  return cell_error(status, {.file = pieces_[piece_].name,
                             .line = line_,
                             .column = std::uint64_t{slot.place} + 1,
                             .type = task_.type,
                             .field = &slot.field});
}

Error CsvReader::ragged_row(std::uint32_t fields) const {
  const std::string& file = pieces_[piece_].name;
  return Error(Errc::InvalidData, "ragged_row",
               file + ", line " + std::to_string(line_) + ": " +
                   std::to_string(width_) + " fields expected, " +
                   std::to_string(fields) + " found")
      .with("file", file)
      .with("line", static_cast<std::int64_t>(line_))
      .with("expected_fields", std::int64_t{width_})
      .with("found_fields", std::int64_t{fields});
}

void CsvReader::hand_over(Batch& batch) {
  batch.rows = rows_;
  batch.extent = input_.consumed() - covered_bytes_;
  batch.columns.resize(slots_.size());
  batch.missing.resize(slots_.size());
  for (Slot& slot : slots_) {
    const bool gaps = slot.missing != 0;
    batch.columns[slot.column] = {
        .data = slot.place == kNoColumn ? nullptr : slot.values,
        .count = slot.count,
        .file = pieces_[piece_].file,
        .first_index = gaps && slot.count != 0 ? slot.indices[0] : row_,
        .indices = gaps ? slot.indices : nullptr};
    batch.missing[slot.column] = slot.missing;
    slot.count = 0;
    slot.missing = 0;
  }
  batch.first_row = row_;
  batch.read_only = false;
  if (kernels_) batch.leaf = leaf_;
  row_ += rows_;
  rows_ = 0;
  cover();
}

Error misfit(const model::FilePiece& piece, const char* what) {
  return Error(Errc::Internal, piece.name + ": a chunk that does not fit: " + what);
}

}  // namespace

Result<std::unique_ptr<BlockReader>> open_csv_reader(const model::ChunkTask& task,
                                                     const model::FilePieces& pieces,
                                                     std::span<const int> descriptors,
                                                     Scratch& scratch,
                                                     CsvReaderOptions options) {
  const std::size_t columns = model::input_columns(task.columns);
  if (columns == 0) return Error(Errc::Internal, "a chunk without columns");
  for (const model::FilePiece& piece : pieces.pieces) {
    if (piece.descriptor >= descriptors.size())
      return misfit(piece, "no such descriptor");
    if (piece.begin != 0) return misfit(piece, "a csv piece that is not a whole file");
    if (piece.stream) {
      if (piece.stream->selectors.size() != columns)
        return misfit(piece, "the number of columns");
      continue;
    }
    if (piece.columns.size() != columns) return misfit(piece, "the number of columns");
    for (std::size_t column = 0; column < columns; ++column) {
      const std::uint32_t place = piece.columns[column];
      if (place == kNoColumn && task.columns[column].has_states())
        return misfit(piece, "a column that is reduced and has no place");
      if (place != kNoColumn && piece.fields != 0 && place >= piece.fields)
        return misfit(piece, "the place of a column");
    }
    for (std::size_t pair = columns; pair < task.columns.size(); ++pair)
      if (piece.columns.at(task.columns[pair].pair->left) == kNoColumn ||
          piece.columns.at(task.columns[pair].pair->right) == kNoColumn)
        return misfit(piece, "a column that is paired and has no place");
  }
  return std::unique_ptr<BlockReader>(
      std::make_unique<CsvReader>(task, pieces, descriptors, scratch, options));
}

}  // namespace tally::source

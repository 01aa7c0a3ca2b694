// CSV is the same rows, or the same error, wherever blocks and reads of it end.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "ipc/base/check.h"
#include "ipc/base/unique_fd.h"
#include "runtime/source/csv_reader.h"
#include "tests/fuzz/input.h"

namespace {

using namespace tally;

struct Rows {
  std::vector<double> values;
  std::vector<std::uint64_t> indices;
  std::uint64_t rows = 0;
  std::uint64_t missing = 0;
  std::vector<model::Span> spans;
  std::string error;  // code and message
};

bool same(const Rows& a, const Rows& b) {
  const auto bytes = [](const std::vector<double>& values) {
    return std::as_bytes(std::span(values));
  };
  if (a.error != b.error) return false;
  if (!a.error.empty()) return true;  // how far each came does not matter
  return std::ranges::equal(bytes(a.values), bytes(b.values)) &&
         a.indices == b.indices && a.rows == b.rows && a.missing == b.missing &&
         a.spans == b.spans;
}

Rows read(const model::ChunkTask& task, int descriptor,
          const source::CsvReaderOptions& options) {
  const auto& pieces = std::get<model::FilePieces>(task.piece);
  const int descriptors[] = {descriptor};
  source::Scratch scratch;
  Rows rows;
  auto reader = source::open_csv_reader(task, pieces, descriptors, scratch, options);
  TALLY_CHECK(reader);
  source::Batch batch;
  for (;;) {
    const auto more = (*reader)->next(batch);
    if (!more) {
      rows.error = more.error().code() + ": " + more.error().message();
      return rows;
    }
    if (!*more) break;
    const reduce::Block& block = batch.columns.front();
    const auto* values = static_cast<const double*>(block.data);
    for (std::size_t i = 0; i < block.count; ++i) {
      rows.values.push_back(values[i]);
      rows.indices.push_back(block.indices != nullptr ? block.indices[i]
                                                      : block.first_index + i);
    }
    rows.rows += batch.rows;
    rows.missing += batch.missing.front();
  }
  (*reader)->spans(rows.spans);
  TALLY_CHECK(rows.rows == rows.values.size() + rows.missing);
  return rows;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t flags = input.byte();
  const std::size_t batch_rows = 1 + input.byte() % 9;
  const std::string_view text = input.text();
  const UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC));
  TALLY_CHECK(file && ::write(file.get(), text.data(), text.size()) ==
                          static_cast<ssize_t>(text.size()));
  model::ChunkTask task;
  task.columns.resize(1);
  task.columns.front().families = {model::Family::Sum};
  task.missing =
      (flags & 1U) != 0 ? model::MissingPolicy::Skip : model::MissingPolicy::Error;
  model::FilePieces pieces;
  pieces.format = model::FileFormat::Csv;
  pieces.csv.header = (flags & 2U) != 0;
  pieces.csv.delimiter = (flags & 4U) != 0 ? ';' : ',';
  model::FilePiece piece;
  piece.name = "x.csv";
  piece.end = text.size();
  piece.columns = {static_cast<std::uint32_t>((flags >> 3U) & 1U)};
  pieces.pieces.push_back(piece);
  task.piece = pieces;
  source::CsvReaderOptions small;
  small.read_bytes = 1 + (flags >> 4U);
  small.batch_rows = batch_rows;
  TALLY_CHECK(same(read(task, file.get(), small), read(task, file.get(), {})));
  return 0;
}

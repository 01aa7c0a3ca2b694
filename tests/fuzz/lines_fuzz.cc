// A file's lines are those that a split at LF gives, wherever reads and batches end.
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "ipc/base/check.h"
#include "ipc/base/unique_fd.h"
#include "runtime/source/line_reader.h"
#include "tests/fuzz/input.h"

namespace {

using namespace tally;

std::vector<std::string> naive(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (end == std::string_view::npos) {
      lines.emplace_back(line);
      break;
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  source::LineReaderOptions options;
  options.read_bytes = 1 + input.byte() % 40;
  options.batch_lines = 1 + input.byte() % 9;
  const std::string_view text = input.text();
  const UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC));
  TALLY_CHECK(file && ::write(file.get(), text.data(), text.size()) ==
                          static_cast<ssize_t>(text.size()));
  model::FilePieces pieces;
  pieces.format = model::FileFormat::Text;
  model::FilePiece& piece = pieces.pieces.emplace_back();
  piece.name = "x.txt";
  piece.end = text.size();
  const int descriptors[] = {file.get()};
  source::Scratch scratch;
  const auto reader = source::open_line_reader(pieces, descriptors, scratch, options);

  std::vector<std::string> lines;
  std::uint64_t extent = 0;
  source::Batch batch;
  for (;;) {
    const auto more = reader->next(batch);
    TALLY_CHECK(more);  // no input of this size is refused
    if (!*more) break;
    const reduce::Block& block = batch.columns.front();
    TALLY_CHECK(batch.rows == block.count && block.count <= options.batch_lines);
    TALLY_CHECK(batch.first_row == lines.size() && block.first_index == lines.size());
    const auto* cells = static_cast<const source::TextCell*>(block.data);
    for (std::size_t i = 0; i < block.count; ++i)
      lines.emplace_back(cells[i].data, cells[i].size);
    extent += batch.extent;
  }
  TALLY_CHECK(lines == naive(text));
  TALLY_CHECK(lines.empty() || extent == text.size());
  return 0;
}

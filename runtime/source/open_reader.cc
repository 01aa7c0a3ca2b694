#include "runtime/source/binary_reader.h"
#include "runtime/source/block_reader.h"
#include "runtime/source/csv_reader.h"
#include "runtime/source/paired_reader.h"
#include "runtime/source/raw_stream_reader.h"
#include "runtime/source/text_reader.h"

namespace tally::source {

Result<std::unique_ptr<BlockReader>> open_reader(const model::ChunkTask& task,
                                                 std::span<const int> descriptors,
                                                 Scratch& scratch) {
  if (const auto* values = std::get_if<model::ValuesPiece>(&task.piece))
    return open_values_reader(task, *values, scratch);
  if (const auto* files = std::get_if<model::FilePieces>(&task.piece)) {
    if (is_paired(task)) return open_paired_reader(task, descriptors, scratch);
    switch (files->format) {
      case model::FileFormat::Npy:
      case model::FileFormat::Raw:
        if (!files->pieces.empty() && files->pieces.front().stream)
          return open_raw_stream_reader(task, *files, descriptors, scratch);
        return open_binary_reader(task, *files, descriptors, scratch);
      case model::FileFormat::Csv:
        return open_csv_reader(task, *files, descriptors, scratch);
      case model::FileFormat::Text:
        return open_text_reader(task, *files, descriptors, scratch);
    }
  }
  return Error(Errc::Internal, "a range has no blocks to read");
}

}  // namespace tally::source

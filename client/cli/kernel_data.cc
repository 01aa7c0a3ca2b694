#include "client/cli/kernel_data.h"

#include <cstring>
#include <utility>
#include <vector>

#include "client/cli/job_request.h"
#include "ipc/model/chunk_task.h"
#include "runtime/source/block_reader.h"
#include "runtime/source/inspect.h"

namespace tally::cli {
namespace {

constexpr std::size_t kMostRows = 100'000;  // tried a dozen times

Error invalid(std::string code, std::string message) {
  return Error(Errc::InvalidArgument, std::move(code), std::move(message));
}

bool takes(const model::KernelInfo& kernel, model::ElementType type) {
  return (kernel.types >> static_cast<unsigned>(type) & 1U) != 0;
}

// The selectors of --column, else "1", "2", …; "" where one column needs no name.
Result<std::vector<std::string>> selectors_of(const Args& args,
                                              const model::KernelInfo& kernel,
                                              bool csv) {
  std::vector<std::string> selectors;
  if (const auto given = args.value(Option::Column)) {
    if (given->empty()) return invalid("bad_option", "--column \"\" names no column");
    for (std::size_t at = 0; at <= given->size();) {
      const std::size_t comma = std::min(given->find(',', at), given->size());
      selectors.emplace_back(given->substr(at, comma - at));
      at = comma + 1;
    }
  } else if (kernel.columns == 1) {
    selectors.emplace_back();
  } else {
    for (std::uint32_t i = 1; i <= kernel.columns; ++i)
      selectors.push_back(std::to_string(i));
  }
  if (selectors.size() != kernel.columns)
    return invalid("kernel_columns", kernel.name + " has " +
                                         std::to_string(kernel.columns) +
                                         " columns; give as many with --column");
  if (!csv && kernel.columns != 1)
    return invalid("kernel_columns", kernel.name + " has " +
                                         std::to_string(kernel.columns) +
                                         " columns, which only csv files have");
  return selectors;
}

// The job that would read the file, of which only the source counts.
Result<JobRequest> source_of(const std::string& file, const Args& args) {
  Args job;
  job.verb = "run";
  job.operands = {"count", file};
  for (const OptionInfo& info : all_options())
    if (kDataOptions.has(info.option) && info.option != Option::Column)
      if (const auto value = args.value(info.option))
        if (Result<void> set = job.set(info, std::string(*value)); !set)
          return std::move(set).error();
  Result<JobRequest> request = build_job(job);
  if (request && request->streams)
    return invalid("no_stream", file + ": a file is needed, not a pipe");
  return request;
}

model::ChunkTask task_of(const model::FilesSource& source,
                         const source::Inspection& inspection,
                         const model::KernelInfo& kernel, bool in_bytes) {
  model::ChunkTask task;
  task.key.job = 1;
  task.type = inspection.type;
  task.columns.resize(kernel.columns);
  for (model::ColumnTask& column : task.columns)
    column.text = model::takes_text(kernel);
  model::FilePieces pieces;
  pieces.format = in_bytes ? source.format : model::FileFormat::Raw;
  pieces.csv = source.csv;
  for (const source::InspectedFile& file : inspection.files) {
    model::FilePiece& piece = pieces.pieces.emplace_back();
    piece.name = file.name;
    piece.descriptor = file.descriptor;
    piece.data_offset_bytes = file.data_offset_bytes;
    piece.end = in_bytes ? file.bytes : file.elements;
    piece.columns = file.columns;
    piece.fields = file.fields;
  }
  task.piece = std::move(pieces);
  return task;
}

// Adds the rows of batches in which every column has a value.
class Collector {
 public:
  Collector(const model::ChunkTask& task, const model::KernelInfo& kernel)
      : task_(task),
        text_(model::takes_text(kernel)),
        widened_(!text_ && !takes(kernel, task.type)) {
    set_.type = text_      ? TALLY_KERNEL_TYPE_TEXT
                : widened_ ? TALLY_KERNEL_TYPE_F64
                           : static_cast<std::int32_t>(task.type);
    set_.element_bytes = text_      ? sizeof(tally_kernel_text)
                         : widened_ ? sizeof(double)
                                    : model::size_of(task.type);
    (text_ ? set_.texts.resize(kernel.columns) : set_.columns.resize(kernel.columns));
  }

  bool full() const { return set_.rows >= kMostRows; }

  void add(const source::Batch& batch) {
    std::vector<std::size_t> at(batch.columns.size(), 0);
    for (std::uint64_t row = batch.first_row;
         row < batch.first_row + batch.rows && !full(); ++row) {
      bool whole = true;
      for (std::size_t i = 0; i < at.size(); ++i) {
        const reduce::Block& block = batch.columns[i];
        whole &= at[i] < block.count && index_of(block, at[i]) == row;
      }
      if (whole) {
        for (std::size_t i = 0; i < at.size(); ++i) copy(i, batch.columns[i], at[i]);
        ++set_.rows;
      }
      for (std::size_t i = 0; i < at.size(); ++i) {
        const reduce::Block& block = batch.columns[i];
        if (at[i] < block.count && index_of(block, at[i]) == row) ++at[i];
      }
    }
  }

  check::RowSet take(const std::string& file) {
    set_.title = file;
    set_.file_name = file;
    return std::move(set_);
  }

 private:
  static std::uint64_t index_of(const reduce::Block& block, std::size_t at) {
    return block.indices != nullptr ? block.indices[at] : block.first_index + at;
  }

  void copy(std::size_t column, const reduce::Block& block, std::size_t at) {
    if (text_) {
      const auto& cell = static_cast<const source::TextCell*>(block.data)[at];
      set_.texts[column].emplace_back(cell.data, cell.size);
      return;
    }
    model::with_type(task_.type, [&](auto zero) {
      using T = decltype(zero);
      const T value = static_cast<const T*>(block.data)[at];
      if (widened_)
        append(column, static_cast<double>(value));
      else
        append(column, value);
    });
  }
  template <typename T>
  void append(std::size_t column, T value) {
    std::vector<std::byte>& bytes = set_.columns[column];
    bytes.resize(bytes.size() + sizeof value);
    std::memcpy(bytes.data() + bytes.size() - sizeof value, &value, sizeof value);
  }

  const model::ChunkTask& task_;
  const bool text_;
  const bool widened_;
  check::RowSet set_;
};

}  // namespace

Result<check::RowSet> read_kernel_data(const std::string& file, const Args& args,
                                       const model::KernelInfo& kernel) {
  Result<JobRequest> request = source_of(file, args);
  if (!request) return std::move(request).error();
  const auto& source = std::get<model::FilesSource>(request->spec.source);
  const bool in_bytes = source.format == model::FileFormat::Csv ||
                        source.format == model::FileFormat::Text;
  const auto selectors =
      selectors_of(args, kernel, source.format == model::FileFormat::Csv);
  if (!selectors) return selectors.error();
  const Result<source::Inspection> inspection =
      source::inspect(request->spec, *selectors, request->files);
  if (!inspection) return inspection.error();
  const bool text = model::takes_text(kernel);
  if ((text && !in_bytes) || (!text && !takes(kernel, inspection->type) &&
                              !takes(kernel, model::ElementType::F64)))
    return invalid("kernel_type", kernel.name + " does not take what " + file + " has");
  const model::ChunkTask task = task_of(source, *inspection, kernel, in_bytes);
  source::Scratch scratch;
  const std::vector<int> descriptors = request->descriptors();
  auto reader = source::open_reader(task, descriptors, scratch);
  if (!reader) return std::move(reader).error();
  Collector collector(task, kernel);
  source::Batch batch;
  while (!collector.full()) {
    const Result<bool> more = (*reader)->next(batch);
    if (!more) return more.error();
    if (!*more) break;
    collector.add(batch);
  }
  check::RowSet rows = collector.take(file);
  if (rows.rows == 0) return invalid("no_rows", file + " has no rows to try with");
  return rows;
}

}  // namespace tally::cli

#include "ipc/codec/task_codec.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "ipc/codec/common_codec.h"
#include "ipc/codec/job_codec.h"
#include "ipc/codec/kernel_codec.h"

namespace tally::ipc {
namespace {

void write_file_piece(schema::FilePiece::Builder to, const model::FilePiece& piece) {
  to.setFile(piece.file);
  to.setName(to_text(piece.name));
  to.setDescriptor(piece.descriptor);
  to.setDataOffsetBytes(piece.data_offset_bytes);
  to.setBegin(piece.begin);
  to.setEnd(piece.end);
  if (!piece.columns.empty()) {
    auto columns = to.initColumns(static_cast<unsigned>(piece.columns.size()));
    for (unsigned i = 0; i < columns.size(); ++i) columns.set(i, piece.columns[i]);
  }
  to.setFields(piece.fields);
  if (!piece.partner) return;
  auto partner = to.initPartner();
  partner.setName(to_text(piece.partner->name));
  partner.setDescriptor(piece.partner->descriptor);
  partner.setDataOffsetBytes(piece.partner->data_offset_bytes);
  partner.setKeptArray(piece.partner->kept_array);
}

model::FilePiece read_file_piece(schema::FilePiece::Reader from) {
  model::FilePiece piece;
  piece.file = from.getFile();
  piece.name = from_text(from.getName());
  piece.descriptor = from.getDescriptor();
  piece.data_offset_bytes = from.getDataOffsetBytes();
  piece.begin = from.getBegin();
  piece.end = from.getEnd();
  for (const std::uint32_t column : from.getColumns()) piece.columns.push_back(column);
  piece.fields = from.getFields();
  if (from.hasPartner()) {
    const auto partner = from.getPartner();
    piece.partner = {from_text(partner.getName()), partner.getDescriptor(),
                     partner.getDataOffsetBytes(), partner.getKeptArray()};
  }
  return piece;
}

struct PieceWriter {
  schema::ChunkTask::Piece::Builder to;

  void operator()(const model::RangePiece& piece) {
    auto out = to.initRange();
    out.setStart(piece.start);
    out.setStep(piece.step);
    out.setBegin(piece.begin);
    out.setEnd(piece.end);
  }
  void operator()(const model::ValuesPiece& piece) {
    auto out = to.initValues();
    out.setBytes(to_data(piece.bytes));
    out.setBegin(piece.begin);
    out.setEnd(piece.end);
  }
  void operator()(const model::FilePieces& pieces) {
    auto out = to.initFiles();
    out.setFormat(static_cast<std::uint8_t>(pieces.format));
    write_dialect(out.initCsv(), pieces.csv);
    auto list = out.initPieces(static_cast<unsigned>(pieces.pieces.size()));
    for (unsigned i = 0; i < list.size(); ++i)
      write_file_piece(list[i], pieces.pieces[i]);
    out.setKeptArray(pieces.kept_array);
  }
  void operator()(const model::DescribePiece&) { to.setDescribe(); }
  void operator()(const model::MergePiece& piece) {
    auto out = to.initMerge();
    out.setDescriptor(piece.descriptor);
    out.setBytes(piece.bytes);
    auto levels = out.initLevels(static_cast<unsigned>(piece.levels.size()));
    std::copy(piece.levels.begin(), piece.levels.end(), levels.begin());
  }
};

Result<model::Piece> read_piece(schema::ChunkTask::Piece::Reader from) {
  using Which = schema::ChunkTask::Piece::Which;
  switch (from.which()) {
    case Which::RANGE: {
      const auto range = from.getRange();
      return model::Piece(model::RangePiece{range.getStart(), range.getStep(),
                                            range.getBegin(), range.getEnd()});
    }
    case Which::VALUES: {
      const auto values = from.getValues();
      return model::Piece(model::ValuesPiece{read_bytes(values.getBytes()),
                                             values.getBegin(), values.getEnd()});
    }
    case Which::FILES: {
      const auto files = from.getFiles();
      const auto format = read_enum(files.getFormat(), model::FileFormat::Npy,
                                    model::FileFormat::Text, "a file format");
      if (!format) return format.error();
      model::FilePieces pieces;
      pieces.format = *format;
      pieces.csv = read_dialect(files.getCsv());
      for (const auto piece : files.getPieces())
        pieces.pieces.push_back(read_file_piece(piece));
      pieces.kept_array = files.getKeptArray();
      return model::Piece(std::move(pieces));
    }
    case Which::DESCRIBE: return model::Piece(model::DescribePiece{});
    case Which::MERGE: {
      const auto merge = from.getMerge();
      const auto levels = merge.getLevels();
      return model::Piece(model::MergePiece{
          merge.getDescriptor(), merge.getBytes(), {levels.begin(), levels.end()}});
    }
  }
  return Error(Errc::InvalidArgument, "bad_enum", "an unknown kind of piece");
}

// Left out of tasks without kernels: most of them are small and many.
void write_kernels(schema::ChunkTask::Builder to, const model::ChunkTask& task) {
  if (task.images.empty()) return;
  auto text = to.initTextColumns(static_cast<unsigned>(task.columns.size()));
  for (unsigned i = 0; i < text.size(); ++i) text.set(i, task.columns[i].text);
  auto images = to.initImages(static_cast<unsigned>(task.images.size()));
  for (unsigned i = 0; i < images.size(); ++i) write_image(images[i], task.images[i]);
  auto kernels = to.initKernels(static_cast<unsigned>(task.kernels.size()));
  for (unsigned i = 0; i < kernels.size(); ++i)
    write_kernel_task(kernels[i], task.kernels[i]);
  to.setFinishKernels(task.finish_kernels);
  to.setKernelMemoryBytes(task.kernel_memory_bytes);
  to.setHasSync(task.sync_descriptor.has_value());
  to.setSyncDescriptor(task.sync_descriptor.value_or(0));
}

Result<void> read_kernels(schema::ChunkTask::Reader from, model::ChunkTask& task) {
  const auto text = from.getTextColumns();
  for (unsigned i = 0; i < text.size() && i < task.columns.size(); ++i)
    task.columns[i].text = text[i];
  for (const auto image : from.getImages()) {
    Result<model::TaskImage> read = read_image(image);
    if (!read) return std::move(read).error();
    task.images.push_back(*std::move(read));
  }
  for (const auto kernel : from.getKernels()) {
    Result<model::KernelTask> read = read_kernel_task(kernel);
    if (!read) return std::move(read).error();
    task.kernels.push_back(*std::move(read));
  }
  task.finish_kernels = from.getFinishKernels();
  task.kernel_memory_bytes = from.getKernelMemoryBytes();
  if (from.getHasSync()) task.sync_descriptor = from.getSyncDescriptor();
  return {};
}

// What the columns have of one kind, as one list: `init(n)` makes it, `write(entry,
// value)` fills an entry but for its column. None: no list.
template <typename T, typename Init, typename Write>
void write_by_column(const std::vector<model::ColumnTask>& columns,
                     std::vector<T> model::ColumnTask::*kind, const Init& init,
                     const Write& write) {
  std::size_t count = 0;
  for (const model::ColumnTask& column : columns) count += (column.*kind).size();
  if (count == 0) return;
  auto list = init(static_cast<unsigned>(count));
  unsigned at = 0;
  for (std::uint32_t i = 0; i < columns.size(); ++i)
    for (const T& value : columns[i].*kind) {
      auto one = list[at++];
      one.setColumn(i);
      write(one, value);
    }
}

void write_histograms(schema::ChunkTask::Builder to,
                      const std::vector<model::ColumnTask>& columns) {
  write_by_column(
      columns, &model::ColumnTask::histograms,
      [&](unsigned count) { return to.initHistograms(count); },
      [](schema::HistogramTask::Builder one, const model::HistogramBins& bins) {
        one.setCount(bins.count);
        one.setLo(bins.lo);
        one.setHi(bins.hi);
        auto edges = one.initEdges(static_cast<unsigned>(bins.edges.size()));
        for (unsigned k = 0; k < edges.size(); ++k) edges.set(k, bins.edges[k]);
      });
}

void write_windows(schema::ChunkTask::Builder to,
                   const std::vector<model::ColumnTask>& columns) {
  write_by_column(
      columns, &model::ColumnTask::windows,
      [&](unsigned count) { return to.initWindows(count); },
      [](schema::WindowTask::Builder one, const model::KeyWindow& window) {
        one.setLeast(window.least);
        one.setGreatest(window.greatest);
        one.setMostKept(window.most_kept);
        one.setAim(window.aim);
      });
}

Result<void> read_histograms(schema::ChunkTask::Reader from,
                             std::vector<model::ColumnTask>& columns) {
  for (const auto one : from.getHistograms()) {
    if (one.getColumn() >= columns.size())
      return Error(Errc::InvalidArgument, "bad_task",
                   "a histogram of a column that the task has not");
    model::HistogramBins bins{one.getCount(), one.getLo(), one.getHi(), {}};
    for (const double edge : one.getEdges()) bins.edges.push_back(edge);
    columns[one.getColumn()].histograms.push_back(std::move(bins));
  }
  return {};
}

Result<void> read_windows(schema::ChunkTask::Reader from,
                          std::vector<model::ColumnTask>& columns) {
  for (const auto one : from.getWindows()) {
    if (one.getColumn() >= columns.size() || one.getLeast() > one.getGreatest() ||
        one.getMostKept() > model::kMostKeptKeys)
      return Error(Errc::InvalidArgument, "bad_task",
                   "a window of a column that the task has not, of no keys, or that is "
                   "to keep too many");
    columns[one.getColumn()].windows.push_back(
        {one.getLeast(), one.getGreatest(), one.getMostKept(), one.getAim()});
  }
  return {};
}

// Of the last columns.
void write_pairs(schema::ChunkTask::Builder to,
                 const std::vector<model::ColumnTask>& columns) {
  const std::size_t first = model::input_columns(columns);
  if (first == columns.size()) return;
  auto list = to.initPairs(static_cast<unsigned>(columns.size() - first));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setLeft(columns[first + i].pair->left);
    list[i].setRight(columns[first + i].pair->right);
  }
}

Error bad_pair() {
  return Error(Errc::InvalidArgument, "bad_task",
               "a pair of columns of numbers that the task has not, or of a range, or "
               "without its states");
}

// The last to be read: what it looks at must be there. A kernel that takes a pair is
// refused where it is opened.
Result<void> read_pairs(schema::ChunkTask::Reader from, model::ChunkTask& task) {
  std::vector<model::ColumnTask>& columns = task.columns;
  const auto pairs = from.getPairs();
  if (pairs.size() >= columns.size()) return bad_pair();
  if (pairs.size() != 0 && std::holds_alternative<model::RangePiece>(task.piece))
    return bad_pair();
  const std::size_t first = columns.size() - pairs.size();
  for (std::size_t i = 0; i < first; ++i)
    if (std::ranges::count(columns[i].families, model::Family::Dot) != 0)
      return bad_pair();
  const auto has_numbers = [&](std::uint32_t column) {
    return column < first && !columns[column].text;
  };
  for (unsigned i = 0; i < pairs.size(); ++i) {
    model::ColumnTask& column = columns[first + i];
    const model::ColumnPair pair{pairs[i].getLeft(), pairs[i].getRight()};
    if (column.families != std::vector{model::Family::Dot} ||
        !column.histograms.empty() || !column.windows.empty() || column.text ||
        !has_numbers(pair.left) || !has_numbers(pair.right))
      return bad_pair();
    column.pair = pair;
  }
  return {};
}

Result<model::ColumnTask> read_column(capnp::Data::Reader from) {
  model::ColumnTask column;
  for (const kj::byte number : from) {
    const auto family = read_family(number);
    if (!family) return family.error();
    if (*family == model::Family::Histogram || *family == model::Family::Ranks)
      return Error(Errc::InvalidArgument, "bad_task",
                   "a histogram without bins, or ranks without a window");
    column.families.push_back(*family);
  }
  return column;
}

}  // namespace

void write_key(schema::ChunkKey::Builder to, const model::ChunkKey& key) {
  to.setJob(key.job);
  to.setRound(key.round);
  to.setChunk(key.chunk);
  to.setAttempt(key.attempt);
}

model::ChunkKey read_key(schema::ChunkKey::Reader from) {
  return {from.getJob(), from.getRound(), from.getChunk(), from.getAttempt()};
}

Result<model::Family> read_family(std::uint8_t number) {
  return read_enum(number, model::Family::Sum, model::Family{model::kLastFamily},
                   "a family of states");
}

void write_task(schema::ChunkTask::Builder to, const model::ChunkTask& task) {
  write_key(to.initKey(), task.key);
  to.setType(static_cast<std::uint8_t>(task.type));
  auto columns = to.initColumns(static_cast<unsigned>(task.columns.size()));
  for (unsigned i = 0; i < columns.size(); ++i) {
    const auto& families = task.columns[i].families;
    columns.set(i,
                {reinterpret_cast<const kj::byte*>(families.data()), families.size()});
  }
  write_histograms(to, task.columns);
  write_windows(to, task.columns);
  write_pairs(to, task.columns);
  to.setMissing(static_cast<std::uint8_t>(task.missing));
  to.setNan(static_cast<std::uint8_t>(task.nan));
  std::visit(PieceWriter{to.getPiece()}, task.piece);
  write_kernels(to, task);
}

Result<model::ChunkTask> read_task(schema::ChunkTask::Reader from) {
  const auto type = read_enum(from.getType(), model::ElementType::I8,
                              model::ElementType::F64, "an element type");
  const auto missing = read_enum(from.getMissing(), model::MissingPolicy::Error,
                                 model::MissingPolicy::Skip, "a missing policy");
  const auto nan = read_enum(from.getNan(), model::NanPolicy::Propagate,
                             model::NanPolicy::Error, "a NaN policy");
  if (!type) return type.error();
  if (!missing) return missing.error();
  if (!nan) return nan.error();
  Result<model::Piece> piece = read_piece(from.getPiece());
  if (!piece) return std::move(piece).error();

  model::ChunkTask task;
  task.key = read_key(from.getKey());
  task.type = *type;
  for (const auto data : from.getColumns()) {
    Result<model::ColumnTask> column = read_column(data);
    if (!column) return std::move(column).error();
    task.columns.push_back(*std::move(column));
  }
  if (task.columns.empty())
    return Error(Errc::InvalidArgument, "bad_task", "a task without columns");
  task.missing = *missing;
  task.nan = *nan;
  task.piece = *std::move(piece);
  if (Result<void> bins = read_histograms(from, task.columns); !bins)
    return std::move(bins).error();
  if (Result<void> windows = read_windows(from, task.columns); !windows)
    return std::move(windows).error();
  if (Result<void> kernels = read_kernels(from, task); !kernels)
    return std::move(kernels).error();
  if (Result<void> pairs = read_pairs(from, task); !pairs)
    return std::move(pairs).error();
  return task;
}

}  // namespace tally::ipc

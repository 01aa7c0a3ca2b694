// ChunkTask: one chunk for one worker, self-contained; and the Partial it gives.
//
// A task holds all that a worker needs, so a worker keeps no state between chunks and
// any worker can take any attempt. Descriptors travel beside the task; pieces name
// them by their index in that list.
//
// A Partial is the states of one chunk and its coverage: which spans of the input it
// owns and how many rows its own loop saw. Nothing is merged whose coverage is not
// exactly what the plan gave out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ipc/base/error.h"
#include "ipc/model/histogram.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"
#include "ipc/model/kernel.h"
#include "ipc/model/key_window.h"

namespace tally::model {

struct ChunkKey {
  std::uint64_t job = 0;      // JobId::number
  std::uint32_t round = 0;    // several-pass reducers: one reduction a round
  std::uint32_t chunk = 0;    // index in the plan
  std::uint32_t attempt = 0;  // 1, 2, …
  friend bool operator==(const ChunkKey&, const ChunkKey&) = default;
};

// Leaves [begin, end) of one chunk, counted from its first: a part of it.
struct LeafRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  friend bool operator==(const LeafRange&, const LeafRange&) = default;
};

// A family of states that reducers share: sum and mean finish the same sum.
// Protocol numbers; never renumber.
enum class Family : std::uint8_t {
  Sum = 1,
  Extremes = 2,
  Squares = 3,
  Bits = 4,
  Product = 5,
  Histogram = 6,
  Ranks = 7,
  Dot = 8
};
inline constexpr std::uint8_t kLastFamily = 8;

// Two columns of a task, by index.
struct ColumnPair {
  std::uint32_t left = 0;
  std::uint32_t right = 0;
  friend bool operator==(const ColumnPair&, const ColumnPair&) = default;
};

// What one column needs; column 0 is the only one of a source without columns.
struct ColumnTask {
  std::vector<Family> families;  // ascending, no repeats; may be empty (count)
  // Its elements are not numbers but text: lines, cells. Only for kernels: no families.
  bool text = false;
  // Each is a state of Family::Histogram, after those of `families`, which has none.
  std::vector<HistogramBins> histograms = {};
  // Each is a state of Family::Ranks, after those.
  std::vector<KeyWindow> windows = {};
  // It is in no input: its elements are the pairs of two that are, row by row. Such
  // columns come after all others, and only they have Family::Dot.
  std::optional<ColumnPair> pair = {};

  bool has_states() const {
    return !families.empty() || !histograms.empty() || !windows.empty();
  }
  friend bool operator==(const ColumnTask&, const ColumnTask&) = default;
};

// Elements [begin, end) of start, start + step, ….
struct RangePiece {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// Elements [begin, end) of the source, as bytes.
struct ValuesPiece {
  std::vector<std::byte> bytes;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// The columns that are in the input: all but the pairs.
inline std::size_t input_columns(const std::vector<ColumnTask>& columns) {
  std::size_t count = columns.size();
  while (count > 0 && columns[count - 1].pair) --count;
  return count;
}

// What there is to know of a pipe before it is read, which happens once: a stream goes
// to a thread of this process, never over a worker's link.
struct StreamPiece {
  std::vector<std::string> selectors;  // csv: one a column of the task
};

// Another array beside that of a piece: the element that belongs to element i is its
// i-th.
struct PartnerPiece {
  std::string name;  // for messages
  std::uint32_t descriptor = 0;
  std::uint64_t data_offset_bytes = 0;
  std::uint64_t kept_array = 0;  // as FilePieces::kept_array
};

// A run of one file: elements [begin, end) after data_offset_bytes for npy, raw and
// memory; bytes [begin, end) after it for csv and text.
struct FilePiece {
  std::uint32_t file = 0;  // index among the job's files: its place in file order
  std::string name;        // for messages
  std::uint32_t descriptor = 0;
  std::uint64_t data_offset_bytes = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  // csv: where each of the task's columns is in this file, from 0, and how many
  // fields a record has (0: as many as the first record).
  std::vector<std::uint32_t> columns;
  std::uint32_t fields = 0;
  std::optional<StreamPiece> stream;  // begin, end, columns, fields: not known
  // npy, raw and memory of a task with two columns: where the second one is.
  std::optional<PartnerPiece> partner = {};
};

struct FilePieces {
  FileFormat format = FileFormat::Raw;  // Raw also stands for npy and memory
  CsvDialect csv;
  std::vector<FilePiece> pieces;  // in file order
  // Not 0: the one piece's descriptor is a sealed object that is reduced again and
  // again. A worker keeps it mapped, under this number, until it is told to forget it.
  std::uint64_t kept_array = 0;
};

// The first round of a job whose kernels nobody has loaded yet: what is in each image
// of the task? Its partial holds nothing but `described`.
struct DescribePiece {};

// The last round of a job with kernels: merges what the chunks gave along the tree, and
// finishes. In a sealed memfd lie, for each chunk in order, or each part of a chunk
// that was divided, and each of the task's kernels in order, 8 bytes with the size of a
// state (little-endian) and its bytes.
struct MergePiece {
  std::uint32_t descriptor = 0;
  std::uint64_t bytes = 0;  // of the memfd
  // One a chunk or part: the height of its subtree, log2 of its leaves rounded up.
  std::vector<std::uint8_t> levels;
};

using Piece =
    std::variant<RangePiece, ValuesPiece, FilePieces, DescribePiece, MergePiece>;

// A shared object that the task's kernels are in. `descriptor`, an index into the
// task's own, is there unless the worker was given this image before.
struct TaskImage {
  ImageHash hash{};
  std::string name;  // for messages: "libgeomean.so"
  std::optional<std::uint32_t> descriptor;
};

struct ChunkTask {
  ChunkKey key;
  ElementType type = ElementType::F64;
  std::vector<ColumnTask> columns;  // at least one that is no pair
  MissingPolicy missing = MissingPolicy::Error;
  NanPolicy nan = NanPolicy::Propagate;
  Piece piece;
  std::vector<TaskImage> images;
  std::vector<KernelTask> kernels;
  // The chunk is the whole job: the partial has the kernels' outputs as well.
  bool finish_kernels = false;
  // Among the task's own: the region of the job's locks and queues (ipc/sync), for
  // kernels that want it.
  std::optional<std::uint32_t> sync_descriptor;
  std::uint64_t kernel_memory_bytes = 0;  // private memory a worker may have; 0: any
};

// The part [begin, end) of file `file` that a chunk owns: elements, or bytes for csv.
struct Span {
  std::uint32_t file = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

struct StateBytes {
  Family family = Family::Sum;
  std::uint16_t version = 0;
  std::vector<std::byte> bytes;
};

struct ColumnPartial {
  ElementCounts counts;
  std::vector<StateBytes> states;  // one a family and histogram, in the task's order
};

struct ChunkUsage {
  std::uint64_t run_ns = 0;
  std::uint64_t cpu_user_ns = 0;
  std::uint64_t cpu_system_ns = 0;
  std::optional<std::uint64_t> peak_rss_bytes;
  std::optional<std::uint64_t> anon_bytes;
  std::uint64_t began_ns = 0;  // on the monotonic clock; 0: not told
};

// One kernel's share of a partial.
struct KernelPartial {
  ElementCounts counts;          // rows: one lacking any column's value is missing
  std::vector<std::byte> state;  // as the kernel serialised it
};

struct Partial {
  ChunkKey key;
  std::vector<Span> spans;
  std::vector<ColumnPartial> columns;
  ChunkUsage usage;
  std::vector<KernelPartial> kernels;  // in the task's order
  // In the task's order; of a MergePiece, or where the task said finish_kernels.
  std::vector<std::vector<KernelOutput>> outputs;
  std::vector<std::vector<KernelInfo>> described;  // one an image, of a DescribePiece
};

// How a chunk ended on a path that stayed alive. An Error of class Cancelled answers
// the cancel flag; any other is the input's fault and will not be retried.
struct ChunkOutcome {
  ChunkKey key;
  std::variant<Partial, Error> result;
  ChunkUsage spent;  // of one that gave an error; a partial has its own
};

}  // namespace tally::model

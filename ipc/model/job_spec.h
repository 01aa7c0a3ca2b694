// JobSpec: what to reduce, over what, and within which limits.
//
// Plain data, spoken by client, daemon and workers. Descriptors are not in here:
// sources name them by their index in the list that travels beside the spec.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ipc/model/element_type.h"
#include "ipc/model/token_limit.h"

namespace tally::model {

// One requested answer. `column` is a header name or a number from 1; empty where
// the source has one column only.
struct ReducerSpec {
  std::string name;
  std::vector<std::string> args;  // as written; reducers that take none refuse any
  std::string column;
  std::string label;  // names the result; equals `name` unless the user chose one
  friend bool operator==(const ReducerSpec&, const ReducerSpec&) = default;
};

// The elements start, start + step, … before stop. step is never 0.
struct RangeSource {
  std::int64_t start = 0;
  std::int64_t stop = 0;
  std::int64_t step = 1;
};

// Elements inside the message, little-endian, packed.
struct ValuesSource {
  ElementType type = ElementType::F64;
  std::vector<std::byte> bytes;
};

// An array in a fully sealed memfd.
struct MemoryArray {
  ElementType type = ElementType::F64;
  std::uint32_t descriptor = 0;
  std::uint64_t offset_bytes = 0;
  std::uint64_t count = 0;  // elements
};

// One array, or two of one type whose elements are paired: for dot.
struct MemorySource : MemoryArray {
  std::optional<MemoryArray> second = {};
};

enum class FileFormat : std::uint8_t { Npy = 1, Raw = 2, Csv = 3, Text = 4 };
std::string_view name_of(FileFormat format) noexcept;

struct CsvDialect {
  char delimiter = ',';
  bool header = true;
};

struct FileEntry {
  std::string name;  // for messages only; the daemon never opens it
  std::uint32_t descriptor = 0;
  std::uint64_t start_bytes = 0;  // of a regular file, what comes before is left out
};

struct FilesSource {
  FileFormat format = FileFormat::Csv;
  std::optional<ElementType> type;  // raw: required; csv, text: f64 unless given
  CsvDialect csv;
  std::vector<FileEntry> files;
  bool windowed = false;  // descriptors come when the daemon asks for them
};

using Source = std::variant<RangeSource, ValuesSource, MemorySource, FilesSource>;

enum class Hint : std::uint8_t { Auto = 0, Cpu = 1, Io = 2 };
enum class Path : std::uint8_t { Any = 0, Inline = 1, Thread = 2, Process = 3 };
enum class MissingPolicy : std::uint8_t { Error = 0, Skip = 1 };
// What becomes of a job some part of whose input kills every worker that reads it.
enum class FailurePolicy : std::uint8_t { Fail = 0, Partial = 1 };
enum class NanPolicy : std::uint8_t { Propagate = 0, Skip = 1, Error = 2 };

std::string_view name_of(Hint hint) noexcept;
std::string_view name_of(Path path) noexcept;

// A shared object with kernels; see ipc/model/kernel.h.
struct KernelFile {
  std::string name;  // for messages and the report; the daemon never opens it
  std::uint32_t descriptor = 0;
};

// Begins the client ids that libtally makes, which only the process that made one
// knows.
inline constexpr std::string_view kLibraryIdPrefix = "lib:";

struct JobSpec {
  std::vector<ReducerSpec> reducers;
  Source source;
  Hint hint = Hint::Auto;
  Path path = Path::Any;          // Any: chosen by the hint
  bool require_isolated = false;  // only worker processes will do
  std::uint32_t workers = 0;      // 0: as many as the path has
  std::uint64_t chunk_size = 0;   // elements, bytes for csv and text; 0: planned
  MissingPolicy missing = MissingPolicy::Error;
  NanPolicy nan = NanPolicy::Propagate;
  std::uint64_t timeout_ns = 0;  // 0, or above 100 years: none
  std::int32_t priority = 0;
  std::string client_id;     // chosen by the client, scoped to its uid; may be empty
  bool detached = false;     // outlives the session that submitted it
  bool measure_pss = false;  // costs some hundred microseconds a worker
  bool trace = false;        // the answer records the job's chunks
  std::vector<KernelFile> kernels;  // reducers may name what is in them
  std::vector<TokenLimit> limits;
  FailurePolicy on_failure = FailurePolicy::Fail;
};

}  // namespace tally::model

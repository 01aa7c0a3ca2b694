#include "runtime/source/inspect.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "runtime/source/bounds.h"
#include "runtime/source/csv_columns.h"
#include "runtime/source/descriptor_check.h"
#include "runtime/source/excerpt.h"
#include "runtime/source/npy_header.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {
namespace {

using model::ElementType;

Error refused(Errc errc, std::string code, std::string_view file,
              const std::string& what) {
  return Error(errc, std::move(code), std::string(file) + ": " + what)
      .with("file", std::string(file));
}

// Sources of packed elements have one column, which has no name.
Result<void> check_no_columns(const std::vector<std::string>& columns) {
  for (const std::string& column : columns)
    if (!column.empty() && column != kNoColumnSelector)
      return Error(Errc::InvalidArgument, "unknown_column",
                   "no column \"" + excerpt(column) +
                       "\": this source has no columns, only csv has")
          .with("column", excerpt(column));
  return {};
}

Result<Inspection> inspect_values(const model::ValuesSource& source) {
  const std::size_t size = model::size_of(source.type);
  if (source.bytes.size() % size != 0)
    return Error(Errc::InvalidArgument, "bad_values",
                 "values of a multiple of " + std::to_string(size) +
                     " bytes expected, " + std::to_string(source.bytes.size()) +
                     " bytes found");
  Inspection inspection;
  inspection.type = source.type;
  return inspection;
}

// Adds an array that lies in a sealed memfd.
Result<void> inspect_array(const model::MemoryArray& source, std::string_view name,
                           const std::vector<UniqueFd>& descriptors,
                           Inspection& inspection) {
  const auto file = check_file(descriptors, source.descriptor, name);
  if (!file) return Error(file.error());
  auto sealed = check_sealed(*file, name);
  if (!sealed) return Error(std::move(sealed).error());
  const std::uint64_t size = model::size_of(source.type);
  if (!lies_within(file->size_bytes, source.offset_bytes, 0, source.count, size))
    return refused(Errc::InvalidArgument, "out_of_bounds", name,
                   std::to_string(source.count) + " elements of " +
                       std::to_string(size) + " bytes at byte " +
                       std::to_string(source.offset_bytes) +
                       " do not lie within the memfd's " +
                       std::to_string(file->size_bytes) + " bytes");
  InspectedFile array;
  array.descriptor = source.descriptor;
  array.data_offset_bytes = source.offset_bytes;
  array.elements = source.count;
  array.bytes = source.count * size;
  inspection.files.push_back(std::move(array));
  return {};
}

Result<Inspection> inspect_memory(const model::MemorySource& source,
                                  const std::vector<UniqueFd>& descriptors) {
  Inspection inspection;
  inspection.type = source.type;
  if (source.second && source.second->type != source.type)
    return Error(Errc::InvalidArgument, "mixed_types",
                 "the first array is of " + std::string(model::name_of(source.type)) +
                     " and the second one of " +
                     std::string(model::name_of(source.second->type)) +
                     "; a job's elements are of one type");
  Result<void> done = inspect_array(source, "memory", descriptors, inspection);
  if (done && source.second)
    done = inspect_array(*source.second, "second array", descriptors, inspection);
  if (!done) return std::move(done).error();
  return inspection;
}

Result<NpyHeader> read_npy_header(const CheckedFile& file, std::uint64_t start) {
  // numpy pads a header of one dtype to 128 bytes; one read serves nearly all.
  static constexpr std::size_t kUsualBytes = 4096;
  const std::uint64_t size = file.size_bytes - start;
  std::vector<std::byte> bytes(
      static_cast<std::size_t>(std::min<std::uint64_t>(kUsualBytes, size)));
  for (;;) {
    const auto got = pread_full(file.descriptor, bytes, start);
    if (!got) return Error(got.error());
    const bool all = *got < bytes.size() || bytes.size() == size;
    bytes.resize(*got);
    const auto needed = npy_header_bytes(bytes);
    if (!needed) return Error(needed.error());
    if (all || *needed <= bytes.size()) return parse_npy_header(bytes);
    bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(*needed, size)));
  }
}

Result<ElementType> inspect_npy(const CheckedFile& file, std::uint64_t start,
                                InspectedFile& into) {
  const auto header = read_npy_header(file, start);
  if (!header) return Error(header.error()).within(into.name).with("file", into.name);
  into.data_offset_bytes = start + header->data_offset_bytes;
  into.elements = header->elements;
  into.layout = header->layout;
  into.bytes = header->elements * model::size_of(header->type);
  const std::uint64_t expected = into.data_offset_bytes + into.bytes;
  if (expected != file.size_bytes)
    return refused(Errc::InvalidData, "bad_npy", into.name,
                   "its header says " + std::to_string(header->elements) +
                       " elements of " + std::string(model::name_of(header->type)) +
                       ", so " + std::to_string(expected) + " bytes expected, " +
                       std::to_string(file.size_bytes) + " found")
        .with("expected_bytes", static_cast<std::int64_t>(expected))
        .with("found_bytes", static_cast<std::int64_t>(file.size_bytes));
  return header->type;
}

Result<void> inspect_raw(const CheckedFile& file, std::uint64_t start, ElementType type,
                         InspectedFile& into) {
  const std::uint64_t size = model::size_of(type);
  const std::uint64_t bytes = file.size_bytes - start;
  if (bytes % size != 0)
    return refused(Errc::InvalidData, "bad_raw_size", into.name,
                   "a multiple of " + std::to_string(size) + " bytes expected (" +
                       std::string(model::name_of(type)) + "), " +
                       std::to_string(bytes) + " bytes found")
        .with("expected_multiple", static_cast<std::int64_t>(size))
        .with("found_bytes", static_cast<std::int64_t>(bytes));
  into.data_offset_bytes = start;
  into.elements = bytes / size;
  into.bytes = bytes;
  return {};
}

Result<void> inspect_csv(const CheckedFile& file, std::uint64_t start,
                         const model::CsvDialect& dialect,
                         const std::vector<std::string>& columns, InspectedFile& into) {
  into.data_offset_bytes = start;
  into.bytes = file.size_bytes - start;
  auto found =
      find_csv_columns(file.descriptor, start, into.bytes, into.name, dialect, columns);
  if (!found) return Error(std::move(found).error());
  into.columns = std::move(found->places);
  into.fields = found->fields;
  return {};
}

Result<void> check_files_source(const model::FilesSource& source,
                                const std::vector<std::string>& columns) {
  switch (source.format) {
    case model::FileFormat::Npy: return check_no_columns(columns);
    case model::FileFormat::Raw:
      if (!source.type)
        return Error(Errc::InvalidArgument, "type_needed",
                     "raw files do not say what their elements are; --dtype does (i8, "
                     "i16, i32, i64, u8, u16, u32, u64, f32, f64)");
      return check_no_columns(columns);
    case model::FileFormat::Csv:
      if (source.csv.delimiter == '"' || source.csv.delimiter == '\n' ||
          source.csv.delimiter == '\r')
        return Error(Errc::InvalidArgument, "bad_delimiter",
                     "a quote or a line end cannot be the delimiter");
      return {};
    case model::FileFormat::Text: return check_no_columns(columns);
  }
  return Error(Errc::InvalidArgument, "unsupported_format", "no such file format");
}

// The dtype of one more npy file against --dtype and the files before it.
Result<void> agree(const model::FilesSource& source, const InspectedFile& file,
                   ElementType found, std::optional<ElementType>& common) {
  const std::string name(model::name_of(found));
  if (source.type && *source.type != found)
    return refused(Errc::InvalidArgument, "bad_dtype", file.name,
                   "its elements are " + name + ", --dtype says " +
                       std::string(model::name_of(*source.type)) +
                       "; leave --dtype out for npy");
  if (common && *common != found)
    return refused(Errc::InvalidArgument, "mixed_types", file.name,
                   "its elements are " + name + ", those of the files before it " +
                       std::string(model::name_of(*common)) +
                       "; one job reduces one type");
  common = found;
  return {};
}

Result<void> inspect_stream(model::FileFormat format, InspectedFile& into) {
  if (format == model::FileFormat::Npy)
    return refused(Errc::InvalidArgument, "no_stream", into.name,
                   "npy is read from files, not from a pipe; raw, csv and text are "
                   "read from both");
  into.stream = true;
  return {};
}

// Two readers of one pipe would each get a part of it.
Result<void> check_streams_differ(const std::vector<CheckedFile>& files,
                                  const std::vector<model::FileEntry>& entries) {
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> seen;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i].stream) continue;
    const auto [first, fresh] = seen.try_emplace({files[i].device, files[i].inode}, i);
    if (!fresh)
      return refused(Errc::InvalidArgument, "same_stream", entries[i].name,
                     "is the same pipe as " + entries[first->second].name +
                         "; a pipe can be read once");
  }
  return {};
}

bool in_bytes(const model::FilesSource& source) {
  return source.format == model::FileFormat::Csv ||
         source.format == model::FileFormat::Text;
}

// One file, which `file` is; the type of those before it is `common`.
Result<InspectedFile> inspect_one(const model::FilesSource& source,
                                  const std::vector<std::string>& columns,
                                  const model::FileEntry& entry,
                                  const CheckedFile& file,
                                  std::optional<ElementType>& common) {
  InspectedFile inspected;
  inspected.name = entry.name;
  inspected.descriptor = entry.descriptor;
  // Beyond the end there is nothing, as for any reader.
  const std::uint64_t start = std::min(entry.start_bytes, file.size_bytes);
  Result<void> done;
  if (file.stream) {
    done = inspect_stream(source.format, inspected);
  } else if (source.format == model::FileFormat::Npy) {
    const auto type = inspect_npy(file, start, inspected);
    done = type ? agree(source, inspected, *type, common) : Error(type.error());
  } else if (source.format == model::FileFormat::Raw) {
    done = inspect_raw(file, start, *source.type, inspected);
  } else if (source.format == model::FileFormat::Text) {
    inspected.data_offset_bytes = start;
    inspected.bytes = file.size_bytes - start;
  } else {
    done = inspect_csv(file, start, source.csv, columns, inspected);
  }
  if (!done) return Error(std::move(done).error());
  return inspected;
}

Result<Inspection> inspect_files(const model::FilesSource& source,
                                 const std::vector<std::string>& columns,
                                 const std::vector<UniqueFd>& descriptors) {
  auto fits = check_files_source(source, columns);
  if (!fits) return Error(std::move(fits).error());
  Inspection inspection;
  inspection.in_bytes = in_bytes(source);
  std::optional<ElementType> common = source.type;
  std::vector<CheckedFile> checked;
  for (const model::FileEntry& entry : source.files) {
    const auto file = check_input(descriptors, entry.descriptor, entry.name);
    if (!file) return Error(file.error());
    checked.push_back(*file);
    auto inspected = inspect_one(source, columns, entry, *file, common);
    if (!inspected) return Error(std::move(inspected).error());
    if (file->stream) inspection.streams = true;
    inspection.files.push_back(*std::move(inspected));
  }
  if (auto differ = check_streams_differ(checked, source.files); !differ)
    return std::move(differ).error();
  inspection.type = common.value_or(ElementType::F64);
  return inspection;
}

}  // namespace

FilesInspector::FilesInspector(const model::FilesSource& source,
                               std::vector<std::string> columns)
    : source_(source), columns_(std::move(columns)), common_(source.type) {
  inspection_.in_bytes = in_bytes(source);
}

Result<void> FilesInspector::add(const std::vector<UniqueFd>& files) {
  if (inspection_.files.empty())
    if (auto fits = check_files_source(source_, columns_); !fits) return fits;
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    model::FileEntry entry = source_.files.at(inspection_.files.size());
    const auto file = check_file(files, i, entry.name);
    if (!file) return Error(file.error());
    auto identity = identity_of(files[i].get(), entry.name);
    if (!identity) return Error(std::move(identity).error());
    auto inspected = inspect_one(source_, columns_, entry, *file, common_);
    if (!inspected) return Error(std::move(inspected).error());
    inspected->descriptor = static_cast<std::uint32_t>(inspection_.files.size());
    inspection_.files.push_back(*std::move(inspected));
    identities_.push_back(*identity);
  }
  inspection_.type = common_.value_or(ElementType::F64);
  return {};
}

Result<Inspection> inspect(const model::JobSpec& spec,
                           const std::vector<std::string>& columns,
                           const std::vector<UniqueFd>& descriptors) {
  if (const auto* files = std::get_if<model::FilesSource>(&spec.source))
    return inspect_files(*files, columns, descriptors);
  auto fits = check_no_columns(columns);
  if (!fits) return Error(std::move(fits).error());
  if (const auto* values = std::get_if<model::ValuesSource>(&spec.source))
    return inspect_values(*values);
  if (const auto* memory = std::get_if<model::MemorySource>(&spec.source))
    return inspect_memory(*memory, descriptors);
  Inspection range;
  range.type = ElementType::I64;
  return range;
}

}  // namespace tally::source

#include "ipc/codec/source_codec.h"

#include <cstring>
#include <string>
#include <utility>

#include "ipc/codec/common_codec.h"

namespace tally::ipc {
namespace {

using model::ElementType;

Result<ElementType> read_type(std::uint8_t number) {
  return read_enum(number, ElementType::I8, ElementType::F64, "an element type");
}

void write_files(schema::FilesSource::Builder to, const model::FilesSource& source) {
  to.setFormat(static_cast<std::uint8_t>(source.format));
  to.setWindowed(source.windowed);
  if (source.type) to.setType(static_cast<std::uint8_t>(*source.type));
  write_dialect(to.initCsv(), source.csv);
  auto files = to.initFiles(static_cast<unsigned>(source.files.size()));
  for (unsigned i = 0; i < files.size(); ++i) {
    files[i].setName(to_text(source.files[i].name));
    files[i].setDescriptor(source.files[i].descriptor);
    files[i].setStartBytes(source.files[i].start_bytes);
  }
}

Result<model::FilesSource> read_files(schema::FilesSource::Reader from) {
  model::FilesSource source;
  const auto format = read_enum(from.getFormat(), model::FileFormat::Npy,
                                model::FileFormat::Text, "a file format");
  if (!format) return format.error();
  source.format = *format;
  if (from.getType() != 0) {
    const Result<ElementType> type = read_type(from.getType());
    if (!type) return type.error();
    source.type = *type;
  }
  source.csv = read_dialect(from.getCsv());
  source.windowed = from.getWindowed();
  const unsigned most = source.windowed ? kMaxWindowedFiles : kMaxFiles;
  const auto files = from.getFiles();
  if (files.size() > most)
    return Error(Errc::InvalidArgument, "too_many_files",
                 "a job takes at most " + std::to_string(most) + " files, not " +
                     std::to_string(files.size()))
        .with("limit", std::int64_t{most});
  source.files.reserve(files.size());
  for (const auto file : files)
    source.files.push_back(
        {from_text(file.getName()), file.getDescriptor(), file.getStartBytes()});
  return source;
}

// The first array of a memory source lies in the source itself, the second one beside
// it: two types to Cap'n Proto.
template <typename Builder>
void write_array(Builder to, const model::MemoryArray& array) {
  to.setType(static_cast<std::uint8_t>(array.type));
  to.setDescriptor(array.descriptor);
  to.setOffsetBytes(array.offset_bytes);
  to.setCount(array.count);
}

template <typename Reader>
Result<model::MemoryArray> read_array(Reader from) {
  const Result<ElementType> type = read_type(from.getType());
  if (!type) return type.error();
  return model::MemoryArray{*type, from.getDescriptor(), from.getOffsetBytes(),
                            from.getCount()};
}

struct SourceWriter {
  schema::JobSpec::Source::Builder to;

  void operator()(const model::RangeSource& range) {
    auto out = to.initRange();
    out.setStart(range.start);
    out.setStop(range.stop);
    out.setStep(range.step);
  }
  void operator()(const model::ValuesSource& values) {
    auto out = to.initValues();
    out.setType(static_cast<std::uint8_t>(values.type));
    out.setBytes(to_data(values.bytes));
  }
  void operator()(const model::MemorySource& memory) {
    auto out = to.initMemory();
    write_array(out, memory);
    if (memory.second) write_array(out.initSecond(), *memory.second);
  }
  void operator()(const model::FilesSource& files) {
    write_files(to.initFiles(), files);
  }
};

}  // namespace

void write_source(schema::JobSpec::Source::Builder to, const model::Source& source) {
  std::visit(SourceWriter{to}, source);
}

Result<model::Source> read_source(schema::JobSpec::Source::Reader from) {
  using Which = schema::JobSpec::Source::Which;
  switch (from.which()) {
    case Which::RANGE: {
      const auto range = from.getRange();
      return model::Source(
          model::RangeSource{range.getStart(), range.getStop(), range.getStep()});
    }
    case Which::VALUES: {
      const auto values = from.getValues();
      const Result<ElementType> type = read_type(values.getType());
      if (!type) return type.error();
      return model::Source(model::ValuesSource{*type, read_bytes(values.getBytes())});
    }
    case Which::MEMORY: {
      const auto memory = from.getMemory();
      const Result<model::MemoryArray> first = read_array(memory);
      if (!first) return first.error();
      model::MemorySource source{*first, {}};
      if (memory.hasSecond()) {
        const Result<model::MemoryArray> second = read_array(memory.getSecond());
        if (!second) return second.error();
        source.second = *second;
      }
      return model::Source(std::move(source));
    }
    case Which::FILES: {
      Result<model::FilesSource> files = read_files(from.getFiles());
      if (!files) return std::move(files).error();
      return model::Source(*std::move(files));
    }
  }
  return Error(Errc::InvalidArgument, "bad_enum", "an unknown kind of source");
}

void write_limits(capnp::List<schema::TokenLimit>::Builder to,
                  const std::vector<model::TokenLimit>& limits) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setName(to_text(limits[i].name));
    to[i].setCount(limits[i].count);
  }
}

Result<std::vector<model::TokenLimit>> read_limits(
    capnp::List<schema::TokenLimit>::Reader from) {
  std::vector<model::TokenLimit> limits;
  for (const auto limit : from) {
    if (limits.size() > model::kMostLimits) break;  // refused below
    limits.push_back({from_text(limit.getName()), limit.getCount()});
  }
  if (Result<void> good = model::check_limits(limits); !good)
    return std::move(good).error();
  return limits;
}

void write_dialect(schema::CsvDialect::Builder to, const model::CsvDialect& dialect) {
  to.setDelimiter(static_cast<std::uint8_t>(dialect.delimiter));
  to.setHeader(dialect.header);
}

model::CsvDialect read_dialect(schema::CsvDialect::Reader from) {
  return {static_cast<char>(from.getDelimiter()), from.getHeader()};
}

void write_kernel_files(capnp::List<schema::FilesSource::File>::Builder to,
                        const std::vector<model::KernelFile>& files) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setName(to_text(files[i].name));
    to[i].setDescriptor(files[i].descriptor);
  }
}

Result<std::vector<model::KernelFile>> read_kernel_files(
    capnp::List<schema::FilesSource::File>::Reader from) {
  if (from.size() > kMaxKernelFiles)
    return Error(Errc::InvalidArgument, "too_many_kernels",
                 "a job takes at most " + std::to_string(kMaxKernelFiles) +
                     " kernel files, not " + std::to_string(from.size()))
        .with("limit", std::int64_t{kMaxKernelFiles});
  std::vector<model::KernelFile> files;
  for (const auto file : from)
    files.push_back({from_text(file.getName()), file.getDescriptor()});
  return files;
}

std::vector<std::byte> read_bytes(capnp::Data::Reader from) {
  std::vector<std::byte> bytes(from.size());
  if (!bytes.empty()) std::memcpy(bytes.data(), from.begin(), from.size());
  return bytes;
}

}  // namespace tally::ipc

#include "client/cli/input_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace tally::cli {
namespace {

Error refused(std::string code, const std::string& name, const std::string& why) {
  const std::string& shown = name.empty() ? "\"\"" : name;
  return Error(Errc::InvalidArgument, std::move(code), shown + ": " + why)
      .with("file", name);
}

Error cannot_open(const std::string& name, int number) {
  if (number == ENOENT || number == ENOTDIR)
    return refused("file_not_found", name, "there is no such file");
  return refused("file_not_readable", name,
                 std::string("cannot be read: ") + std::strerror(number));
}

Result<InputKind> kind_of_input(int file, const std::string& name) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) return cannot_open(name, errno);
  if (S_ISREG(facts.st_mode)) return InputKind::File;
  if (S_ISFIFO(facts.st_mode)) return InputKind::Pipe;
  if (S_ISCHR(facts.st_mode) || S_ISSOCK(facts.st_mode)) return InputKind::Other;
  if (S_ISDIR(facts.st_mode))
    return refused("is_a_directory", name, "is a directory; name the files in it");
  return refused("not_a_file", name, "is no file, pipe, terminal or socket");
}

// Without the dot; empty if there is none.
std::string_view extension_of(std::string_view name) {
  const std::string_view base = name.substr(name.rfind('/') + 1);
  const std::size_t dot = base.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : base.substr(dot + 1);
}

}  // namespace

Result<InputFile> open_input(const std::string& name) {
  // Non-blocking, or a pipe without a writer would hold us here; regular files do not
  // know the difference. What was opened here, no other program shares.
  UniqueFd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return cannot_open(name, errno);
  const Result<InputKind> kind = kind_of_input(file.get(), name);
  if (!kind) return kind.error();
  return InputFile{std::move(file), *kind, 0};
}

Result<InputFile> open_standard_input() {
  const std::string name(kStandardInput);
  const int flags = ::fcntl(STDIN_FILENO, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) == O_WRONLY)
    return refused("file_not_readable", name, "is closed, or not open for reading");
  UniqueFd file(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!file) return cannot_open(name, errno);
  const Result<InputKind> kind = kind_of_input(file.get(), name);
  if (!kind) return kind.error();
  InputFile input{std::move(file), *kind, 0};
  // Others may have read the first lines already.
  if (*kind == InputKind::File)
    input.start_bytes = static_cast<std::uint64_t>(
        std::max<off_t>(0, ::lseek(STDIN_FILENO, 0, SEEK_CUR)));
  return input;
}

std::optional<FileKind> kind_of_file(std::string_view name) {
  const std::string_view extension = extension_of(name);
  using model::FileFormat;
  if (extension == "npy") return FileKind{FileFormat::Npy, {}, ','};
  if (extension == "csv") return FileKind{FileFormat::Csv, {}, ','};
  if (extension == "tsv") return FileKind{FileFormat::Csv, {}, '\t'};
  if (extension == "txt") return FileKind{FileFormat::Text, {}, ','};
  if (extension == "raw" || extension == "bin")
    return FileKind{FileFormat::Raw, {}, ','};
  const auto type = model::parse_element_type(extension);
  if (!type) return std::nullopt;
  return FileKind{FileFormat::Raw, type, ','};
}

std::string_view unreadable_kind(std::string_view name) {
  static constexpr std::array<std::string_view, 6> kCompressed{"gz",  "bz2", "xz",
                                                               "zst", "lz4", "zip"};
  static constexpr std::array<std::string_view, 10> kForeign{
      "json", "jsonl", "ndjson", "parquet", "arrow",
      "h5",   "hdf5",  "npz",    "xlsx",    "ods"};
  const std::string_view extension = extension_of(name);
  if (std::ranges::find(kCompressed, extension) != kCompressed.end())
    return "is compressed; decompress it, or say by --format what it is after all";
  if (std::ranges::find(kForeign, extension) != kForeign.end())
    return "is of a format that is not read; npy, raw, csv and text are";
  return {};
}

}  // namespace tally::cli

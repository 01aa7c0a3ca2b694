#include "client/cli/input_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace tally::cli {
namespace {

Error refused(std::string code, const std::string& name, const std::string& why) {
  return Error(Errc::InvalidArgument, std::move(code), name + ": " + why)
      .with("file", name);
}

Error cannot_open(const std::string& name, int number) {
  if (number == ENOENT || number == ENOTDIR)
    return refused("file_not_found", name, "there is no such file");
  return refused("file_not_readable", name,
                 std::string("cannot be read: ") + std::strerror(number));
}

}  // namespace

Result<UniqueFd> open_input(const std::string& name) {
  // Non-blocking, or a pipe without a writer would hold us here; regular files do not
  // know the difference.
  UniqueFd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return cannot_open(name, errno);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return cannot_open(name, errno);
  if (S_ISDIR(facts.st_mode))
    return refused("is_a_directory", name, "is a directory; name the files in it");
  if (!S_ISREG(facts.st_mode))
    return refused("not_a_file", name, "is not a regular file");
  return file;
}

std::optional<FileKind> kind_of_file(std::string_view name) {
  const std::string_view base = name.substr(name.rfind('/') + 1);
  const std::size_t dot = base.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view extension = base.substr(dot + 1);
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

}  // namespace tally::cli

#include "client/file_list.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace tally::client {

Result<void> FileList::add(std::string name, const std::string& path, int open_file) {
  struct stat facts {};
  if (::fstat(open_file, &facts) != 0) return Error::from_errno("fstat").within(name);
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error)
    return Error(Errc::Io, name + ": the current directory is gone").with("file", name);
  files_.push_back({std::move(name), absolute.string(), facts.st_dev, facts.st_ino});
  return {};
}

bool FileList::has(int open_file) const {
  struct stat facts {};
  if (::fstat(open_file, &facts) != 0) return false;
  return std::any_of(files_.begin(), files_.end(), [&](const File& file) {
    return file.device == facts.st_dev && file.inode == facts.st_ino;
  });
}

Result<UniqueFd> FileList::open(std::uint32_t file) const {
  if (file >= files_.size())
    return Error(Errc::Io, "no_such_file_asked",
                 "the daemon asked for file " + std::to_string(file) + " of " +
                     std::to_string(files_.size()));
  const File& one = files_[file];
  // Not blocking: it may be a FIFO by now.
  UniqueFd fd(::open(one.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat facts {};
  if (!fd || ::fstat(fd.get(), &facts) != 0) {
    const int number = errno;
    return Error(Errc::Io, "file_lost",
                 one.name + " cannot be opened any more: " + std::strerror(number))
        .with("file", one.name)
        .with("errno", std::int64_t{number});
  }
  if (!S_ISREG(facts.st_mode) || facts.st_dev != one.device ||
      facts.st_ino != one.inode)
    return Error(Errc::InvalidData, "file_changed",
                 one.name + " is another file than when the job began")
        .with("file", one.name);
  return fd;
}

}  // namespace tally::client

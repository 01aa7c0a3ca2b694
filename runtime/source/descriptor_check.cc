#include "runtime/source/descriptor_check.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <string>

namespace tally::source {
namespace {

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISFIFO(mode)) return "a pipe or FIFO";
  if (S_ISCHR(mode)) return "a character device";
  if (S_ISBLK(mode)) return "a block device";
  if (S_ISLNK(mode)) return "a symbolic link";
  return "no file";  // epoll, eventfd and their like have no type
}

Error refused(std::string code, std::string_view name, const std::string& what) {
  return Error(Errc::InvalidArgument, std::move(code), std::string(name) + ": " + what)
      .with("file", std::string(name));
}

// Whether it is of a file system that makes its files as they are read: those say that
// they are empty and are not, so a job would answer for no input.
bool hides_its_size(int descriptor) {
  struct statfs system {};
  if (::fstatfs(descriptor, &system) != 0) return false;
  switch (system.f_type) {
    case PROC_SUPER_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case DEBUGFS_MAGIC:
    case SECURITYFS_MAGIC:
    case TRACEFS_MAGIC: return true;
    default: return false;
  }
}

Result<CheckedFile> check(const std::vector<UniqueFd>& descriptors, std::uint32_t index,
                          std::string_view name, bool may_stream) {
  if (index >= descriptors.size())
    return refused("bad_descriptor", name,
                   "descriptor " + std::to_string(index) + " is named, " +
                       std::to_string(descriptors.size()) + " came with the job");
  const int descriptor = descriptors[index].get();
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    return Error::from_errno("fstat").within(name).with("file", std::string(name));
  const bool stream = S_ISFIFO(status.st_mode);
  if (!S_ISREG(status.st_mode) && !(stream && may_stream))
    return refused("not_a_file", name,
                   "is " + std::string(kind_of(status.st_mode)) +
                       (may_stream ? "; a regular file, a pipe or a FIFO is expected"
                                   : "; a regular file is expected"));
  if (S_ISREG(status.st_mode) && status.st_size == 0 && hides_its_size(descriptor))
    return refused(
        "not_a_file", name,
        "is a file of /proc or the like, which does not tell its size; copy it, "
        "or send it through a pipe");
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0)
    return Error::from_errno("fcntl").within(name).with("file", std::string(name));
  if ((flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_WRONLY)
    return refused("not_readable", name, "the descriptor is not open for reading");
  return CheckedFile{descriptor, static_cast<std::uint64_t>(status.st_size), stream,
                     status.st_dev, status.st_ino};
}

}  // namespace

Result<FileIdentity> identity_of(int descriptor, std::string_view name) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    return Error::from_errno("fstat").within(name).with("file", std::string(name));
  return FileIdentity{
      status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
      std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

Result<CheckedFile> check_file(const std::vector<UniqueFd>& descriptors,
                               std::uint32_t index, std::string_view name) {
  return check(descriptors, index, name, false);
}

Result<CheckedFile> check_input(const std::vector<UniqueFd>& descriptors,
                                std::uint32_t index, std::string_view name) {
  return check(descriptors, index, name, true);
}

Result<void> check_sealed(const CheckedFile& file, std::string_view name) {
  const int seals = ::fcntl(file.descriptor, F_GET_SEALS);
  if (seals < 0)
    return refused("not_sealed", name,
                   "is a file, not a memfd; an array is handed over in a memfd sealed "
                   "with F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE");
  struct Seal {
    int bit;
    std::string_view name;
  };
  static constexpr Seal kNeeded[] = {{F_SEAL_SHRINK, "F_SEAL_SHRINK"},
                                     {F_SEAL_GROW, "F_SEAL_GROW"},
                                     {F_SEAL_WRITE, "F_SEAL_WRITE"}};
  std::string missing;
  for (const Seal& seal : kNeeded) {
    if ((seals & seal.bit) != 0) continue;
    if (!missing.empty()) missing += ", ";
    missing += seal.name;
  }
  if (missing.empty()) return {};
  return refused("not_sealed", name,
                 "the memfd is not fully sealed; missing: " + missing)
      .with("missing", missing);
}

}  // namespace tally::source

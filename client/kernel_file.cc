#include "client/kernel_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tally::client {
namespace {

Error open_error(const std::string& path) {
  const int number = errno;
  if (path.empty())
    return Error(Errc::InvalidArgument, "not_a_kernel",
                 "a kernel file is needed, such as ./libname.so; \"\" names none")
        .with("file", path);
  if (number == ENOENT || number == ENOTDIR)
    return Error(Errc::NotFound, "no_such_kernel_file",
                 "there is no kernel file " + path +
                     "; build it first, and name the shared object: ./libname.so")
        .with("file", path);
  if (number == EACCES || number == EPERM)
    return Error(Errc::PermissionDenied, "kernel_file_denied",
                 "the kernel file " + path + " may not be read by this user")
        .with("file", path);
  errno = number;
  return Error::from_errno("opening " + path).with("file", path);
}

Error not_a_kernel(const std::string& path, const std::string& why) {
  return Error(Errc::InvalidArgument, "not_a_kernel",
               path + " is no kernel: " + why +
                   "; `tally kernel new NAME` writes one to start from")
      .with("file", path);
}

}  // namespace

Result<UniqueFd> open_kernel_file(const std::string& path) {
  // Not blocking: a FIFO without a writer must not hold the caller.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return open_error(path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return open_error(path);
  if (!S_ISREG(info.st_mode)) return not_a_kernel(path, "it is no regular file");
  // The worker looks closer; this catches a source file or an archive at once.
  char magic[4] = {};
  if (::pread(fd.get(), magic, sizeof magic, 0) != sizeof magic ||
      std::memcmp(magic, "\177ELF", sizeof magic) != 0)
    return not_a_kernel(path, "it is no ELF shared object");
  return fd;
}

std::string kernel_file_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

}  // namespace tally::client

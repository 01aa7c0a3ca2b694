#include "client/cli/trace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/cli/trace_json.h"

namespace tally::cli {
namespace {

Error not_writable(const std::string& path, int error_number) {
  return Error(Errc::InvalidArgument, "trace_not_writable",
               "--trace " + path +
                   ": the file cannot be written: " + std::strerror(error_number))
      .with("file", path);
}

bool same_file(int one, int other) {
  struct stat a {};
  struct stat b {};
  return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

}  // namespace

TraceFile::TraceFile(std::string path, UniqueFd fd, bool made)
    : path_(std::move(path)), fd_(std::move(fd)), made_(made) {}

TraceFile::TraceFile(TraceFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::move(other.fd_)),
      made_(std::exchange(other.made_, false)) {}

TraceFile::~TraceFile() {
  if (made_) ::unlink(path_.c_str());
}

Result<TraceFile> TraceFile::open(const std::string& path, std::span<const int> inputs,
                                  const std::function<bool(int)>& is_input) {
  // A FIFO that nobody reads is an error, not a wait.
  constexpr int kFlags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  UniqueFd fd(::open(path.c_str(), kFlags | O_CREAT | O_EXCL, 0666));
  const bool made = static_cast<bool>(fd);
  if (!made && errno == EEXIST) fd.reset(::open(path.c_str(), kFlags));
  if (!fd) return not_writable(path, errno);
  const bool is_input_now = std::any_of(inputs.begin(), inputs.end(), [&](int input) {
    return same_file(fd.get(), input);
  });
  if (is_input_now || (is_input && is_input(fd.get())))
    return Error(Errc::InvalidArgument, "trace_is_input",
                 "--trace " + path + " names a file that the job reads")
        .with("file", path);
  if (::fcntl(fd.get(), F_SETFL, 0) != 0) return not_writable(path, errno);
  return TraceFile(path, std::move(fd), made);
}

Result<void> TraceFile::write(const model::JobAnswer& answer) {
  if (!answer.trace)
    return Error(
        Errc::Unavailable, "no_trace",
        "--trace: the daemon recorded none; it may be older than this program");
  const std::string json = trace_to_json(answer);
  made_ = false;
  // Only a regular file has something to cut off.
  if (::ftruncate(fd_.get(), 0) != 0 && errno != EINVAL) return not_written();
  for (std::size_t written = 0; written < json.size();) {
    const ssize_t now =
        ::write(fd_.get(), json.data() + written, json.size() - written);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return not_written();
    written += static_cast<std::size_t>(now);
  }
  // A file system may tell of a full disk only here.
  if (::close(fd_.release()) != 0) return not_written();
  return {};
}

Error TraceFile::not_written() const {
  return Error(Errc::Io, "trace_not_written",
               "the trace cannot be written to " + path_ + ": " + std::strerror(errno))
      .with("file", path_);
}

}  // namespace tally::cli

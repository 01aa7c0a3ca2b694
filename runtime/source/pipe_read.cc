#include "runtime/source/pipe_read.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace tally::source {
namespace {

// A read that does not block; where a sandbox forbids vmsplice, one that may, if
// another reader was quicker.
ssize_t take(int descriptor, std::span<std::byte> into) {
  const iovec room{into.data(), into.size()};
  const ssize_t got = ::vmsplice(descriptor, &room, 1, SPLICE_F_NONBLOCK);
  if (got >= 0 || errno == EAGAIN || errno == EINTR) return got;
  return ::read(descriptor, into.data(), into.size());
}

Error failed(const char* call, std::string_view file) {
  return Error::from_errno(call).within(file).with("file", std::string(file));
}

}  // namespace

Result<std::size_t> read_pipe(int descriptor, std::span<std::byte> into,
                              const Cancellation& cancellation, std::string_view file) {
  for (;;) {
    if (cancellation.raised())
      return Error(Errc::Cancelled, "the chunk was called off while it waited");
    // First, for an empty FIFO without writers reads as one whose writers have gone.
    pollfd input{descriptor, POLLIN, 0};
    const int ready = ::poll(&input, 1, static_cast<int>(kCancelStep.count()));
    if (ready < 0 && errno != EINTR) return failed("poll", file);
    if (ready <= 0) continue;
    const ssize_t got = take(descriptor, into);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EINTR) return failed("read", file);
  }
}

}  // namespace tally::source

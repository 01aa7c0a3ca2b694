#include "client/cli/stream_pump.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>
#include <vector>

namespace tally::cli {
namespace {

constexpr std::size_t kCopyBytes = 64 * 1024;  // a pipe's room

// Waits where the descriptor was opened not to block.
ssize_t read_some(int from, std::vector<char>& into) {
  for (;;) {
    const ssize_t got = ::read(from, into.data(), into.size());
    if (got >= 0 || (errno != EINTR && errno != EAGAIN)) return got;
    pollfd input{from, POLLIN, 0};
    ::poll(&input, 1, -1);
  }
}

// False once nobody reads the pipe any more.
bool write_all(int into, const char* bytes, std::size_t count) {
  while (count != 0) {
    const ssize_t written = ::write(into, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
  return true;
}

void copy(const UniqueFd& from, const UniqueFd& into, std::atomic<int>& error_number) {
  std::vector<char> bytes(kCopyBytes);
  for (;;) {
    const ssize_t got = read_some(from.get(), bytes);
    if (got < 0) error_number = errno;
    if (got <= 0) return;
    if (!write_all(into.get(), bytes.data(), static_cast<std::size_t>(got))) return;
  }
}

}  // namespace

StreamPump::StreamPump(UniqueFd input, UniqueFd into, UniqueFd output, std::string name)
    : input_(std::move(input)),
      into_(std::move(into)),
      output_(std::move(output)),
      name_(std::move(name)) {}

Result<StreamPump> StreamPump::make(UniqueFd input, std::string name) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::from_errno("pipe2").within(name);
  return StreamPump(std::move(input), UniqueFd(ends[1]), UniqueFd(ends[0]),
                    std::move(name));
}

void StreamPump::start() {
  // Detached: a read that waits for its terminal ends with the program.
  std::thread([from = std::move(input_), into = std::move(into_),
               error_number = error_number_]() mutable {
    copy(from, into, *error_number);
    into = UniqueFd();
  }).detach();
}

Result<void> StreamPump::failure() const {
  const int number = *error_number_;
  if (number == 0) return {};
  errno = number;
  return Error::from_errno("read").within(name_).with("file", name_);
}

}  // namespace tally::cli

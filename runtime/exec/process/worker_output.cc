#include "runtime/exec/process/worker_output.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "ipc/base/printable.h"

namespace tally::exec {

Result<WorkerOutput> WorkerOutput::make() {
  UniqueFd fd(static_cast<int>(
      ::syscall(SYS_memfd_create, "tally-output", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  if (!fd) return Error::from_errno("memfd_create");
  if (::ftruncate(fd.get(), kBytes) != 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return Error::from_errno("a worker's output");
  return WorkerOutput(std::move(fd));
}

bool WorkerOutput::become_standard_output() const {
  // Lines are worth more than blocks when the next thing is a crash.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return ::dup2(fd_.get(), STDOUT_FILENO) >= 0 && ::dup2(fd_.get(), STDERR_FILENO) >= 0;
}

void WorkerOutput::rewind() const {
  (void)::lseek(fd_.get(), 0, SEEK_SET);
}

std::string WorkerOutput::text() const {
  const off_t end = ::lseek(fd_.get(), 0, SEEK_CUR);
  if (end <= 0) return {};
  std::array<char, kBytes> bytes{};
  const auto wanted = std::min<std::size_t>(static_cast<std::size_t>(end), kBytes);
  const ssize_t got = ::pread(fd_.get(), bytes.data(), wanted, 0);
  if (got <= 0) return {};
  return printable_lines({bytes.data(), static_cast<std::size_t>(got)});
}

}  // namespace tally::exec

#include "tests/unit/runtime/source/pread_fake.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tally::source::test {
namespace {
PreadFake* active = nullptr;
}  // namespace

PreadFake::PreadFake() {
  active = this;
}
PreadFake::~PreadFake() {
  active = nullptr;
}

}  // namespace tally::source::test

extern "C" ssize_t pread(int descriptor, void* into, size_t bytes, off_t offset) {
  using tally::source::test::active;
  if (active != nullptr) {
    ++active->calls;
    if (active->calls <= active->interrupt_first) {
      errno = EINTR;
      return -1;
    }
    if (active->fail_with != 0) {
      errno = active->fail_with;
      return -1;
    }
    bytes = std::min(bytes, active->at_most);
  }
  return ::syscall(SYS_pread64, descriptor, into, bytes, offset);
}

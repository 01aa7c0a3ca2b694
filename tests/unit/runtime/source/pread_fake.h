// The test program's own pread: counts calls and can interrupt or shorten them.
//
// It takes the C library's place for the code under test; without a PreadFake alive it
// only passes calls on. One at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tally::source::test {

class PreadFake {
 public:
  PreadFake();
  ~PreadFake();
  PreadFake(const PreadFake&) = delete;
  PreadFake& operator=(const PreadFake&) = delete;

  std::size_t calls = 0;
  std::size_t interrupt_first = 0;  // so many calls fail with EINTR
  std::size_t at_most = SIZE_MAX;   // bytes a call gives
  int fail_with = 0;                // errno of every call
};

}  // namespace tally::source::test

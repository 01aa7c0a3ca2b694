// Descriptors 0, 1 and 2 as every program may expect them: open.
//
// A program that is started with one of them closed gets its first socket or file under
// that number, and then writes its messages into it. First thing in main().
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace tally {

inline void open_standard_descriptors() {
  int fd = 0;
  do {
    fd = ::open("/dev/null", O_RDWR);  // the lowest number that is free
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO) ::close(fd);
}

}  // namespace tally

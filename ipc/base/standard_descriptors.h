// Descriptors 0, 1 and 2 as every program may expect them: open.
//
// A program that is started with one of them closed gets its first socket or file under
// that number, and then writes its messages into it. First thing in main(). An input
// that is not there cannot be read: it is no empty one.
#pragma once

#include <fcntl.h>
#include <unistd.h>

namespace tally {

inline void open_standard_descriptors() {
  int fd = STDIN_FILENO;
  if (::fcntl(fd, F_GETFD) < 0) fd = ::open("/dev/null", O_WRONLY);
  do {
    fd = ::open("/dev/null", O_RDWR);  // the lowest number that is free
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO) ::close(fd);
}

}  // namespace tally

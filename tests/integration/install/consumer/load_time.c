/* Prints how many nanoseconds loading a library takes, with all that it needs. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char** argv) {
  const long long begin = now_ns();
  if (argc != 2 || dlopen(argv[1], RTLD_LAZY) == NULL) {
    fprintf(stderr, "load_time: %s\n", argc == 2 ? dlerror() : "usage: load_time FILE");
    return 1;
  }
  printf("%lld\n", now_ns() - begin);
  return 0;
}

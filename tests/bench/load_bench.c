/* load_bench LIBRARY: the step "load" loads the library in a process that has no C++
 * runtime yet, as a C program would, and answers with the nanoseconds. Speaks the lines
 * of steps.h. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void die(const char* what) {
  fprintf(stderr, "load_bench: %s\n", what);
  exit(1);
}

static int64_t load(const char* library) {
  int ends[2];
  if (pipe(ends) != 0) die("pipe failed");
  const pid_t child = fork();
  if (child == 0) {
    const int64_t start = now_ns();
    void* const loaded = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    const int64_t took = now_ns() - start;
    if (loaded == NULL || dlsym(loaded, "tally_client_fd") == NULL) _exit(1);
    _exit(write(ends[1], &took, sizeof took) == (ssize_t)sizeof took ? 0 : 1);
  }
  close(ends[1]);
  int64_t took = 0;
  int status = 0;
  const ssize_t got = read(ends[0], &took, sizeof took);
  close(ends[0]);
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0 ||
      got != (ssize_t)sizeof took)
    die("the library was not loaded");
  return took;
}

int main(int argc, char** argv) {
  if (argc != 2) die("usage: load_bench LIBRARY");
  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    long count = 1;
    if (sscanf(line, "%*s %ld", &count) != 1) die("a step is a name and a count");
    for (long i = 0; i < count; ++i)
      printf("%s%lld", i == 0 ? "" : " ", (long long)load(argv[1]));
    printf("\n");
    fflush(stdout);
  }
  return 0;
}

/* A host in C: what of it must stay as it is while a core is embedded, works, loses
   workers and its fork server, and is freed. Prints what is not so and exits 1. */
#include <dirent.h>
#include <errno.h>
#include <fenv.h>
#include <inttypes.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <tally/tally_embed.h>

#include "need.h"

extern char** environ;

static int failures = 0;

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                     \
    }                                                                 \
  } while (0)

static volatile sig_atomic_t children_died = 0;
static volatile sig_atomic_t users = 0;

static void on_child(int number) {
  (void)number;
  ++children_died;
}
static void on_user(int number) {
  (void)number;
  ++users;
}

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- Embedding --------------------------------------------------------- */

static tally_embedded* start(void) {
  tally_embed_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.workers = 2;
  options.worker_program = TALLY_WORKER;
  tally_embedded* embedded = NULL;
  tally_error* error = NULL;
  if (tally_embed(&options, &embedded, &error) != TALLY_OK) {
    fprintf(stderr, "tally_embed: %s\n", tally_error_message(error));
    exit(1);
  }
  return embedded;
}

static tally_client* connect_to(tally_embedded* embedded) {
  tally_client* client = NULL;
  NEED(tally_embedded_connect(embedded, NULL, &client, NULL) == TALLY_OK);
  return client;
}

static tally_job* sum_job(tally_path path) {
  tally_job* job = NULL;
  NEED(tally_job_new(&job, NULL) == TALLY_OK);
  NEED(tally_job_add_reducer(job, "sum", NULL, NULL, NULL) == TALLY_OK);
  NEED(tally_job_set_path(job, path, NULL) == TALLY_OK);
  return job;
}

/* The answer to the sum of 0..1e6 on the process path. The caller frees it. */
static tally_answer* run_on_workers(tally_client* client) {
  tally_job* job = sum_job(TALLY_PATH_PROCESS);
  NEED(tally_job_set_range(job, 0, 1000000, 1, NULL) == TALLY_OK);
  tally_answer* answer = NULL;
  tally_error* error = NULL;
  if (tally_run(client, job, &answer, &error) != TALLY_OK) {
    fprintf(stderr, "run: %s\n", tally_error_message(error));
    exit(1);
  }
  CHECK(strcmp(tally_result_text(tally_answer_result(answer, 0)), "499999500000") == 0);
  tally_job_free(job);
  return answer;
}

static pid_t worker_of(const tally_answer* answer) {
  tally_worker_usage usage;
  usage.struct_size = sizeof usage;
  NEED(tally_answer_worker(answer, 0, &usage, NULL) == TALLY_OK);
  return (pid_t)usage.pid;
}

static pid_t parent_of(pid_t pid) {
  char path[64];
  char text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE* file = fopen(path, "r");
  NEED(file != NULL);
  const size_t size = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[size] = '\0';
  int parent = 0;
  NEED(sscanf(strrchr(text, ')'), ") %*c %d", &parent) == 1);
  return parent;
}

/* ---- What is the host's ------------------------------------------------ */

typedef struct Surroundings {
  struct sigaction actions[NSIG];
  sigset_t mask;
  mode_t mask_of_files;
  char folder[4096];
  char locale[256];
  char** environment;
  uint64_t environment_hash;
  int rounding;
  unsigned control; /* MXCSR, less the sticky flags */
} Surroundings;

static uint64_t hash_of_environment(void) {
  uint64_t hash = 14695981039346656037u;
  for (char** variable = environ; *variable != NULL; ++variable)
    for (const char* at = *variable;; ++at) {
      hash = (hash ^ (unsigned char)*at) * 1099511628211u;
      if (*at == '\0') break;
    }
  return hash;
}

static void look_around(Surroundings* seen) {
  memset(seen, 0, sizeof *seen);
  for (int number = 1; number < NSIG; ++number)
    sigaction(number, NULL, &seen->actions[number]);
  pthread_sigmask(SIG_SETMASK, NULL, &seen->mask);
  seen->mask_of_files = umask(0);
  umask(seen->mask_of_files);
  NEED(getcwd(seen->folder, sizeof seen->folder) != NULL);
  snprintf(seen->locale, sizeof seen->locale, "%s", setlocale(LC_ALL, NULL));
  seen->environment = environ;
  seen->environment_hash = hash_of_environment();
  seen->rounding = fegetround();
#if defined(__SSE__)
  seen->control = _mm_getcsr() & ~0x3Fu;
#endif
}

static void expect_same(const Surroundings* before) {
  static Surroundings now;
  look_around(&now);
  for (int number = 1; number < NSIG; ++number) {
    CHECK(now.actions[number].sa_handler == before->actions[number].sa_handler);
    CHECK(now.actions[number].sa_flags == before->actions[number].sa_flags);
  }
  for (int number = 1; number < NSIG; ++number)
    CHECK(sigismember(&now.mask, number) == sigismember(&before->mask, number));
  CHECK(now.mask_of_files == before->mask_of_files);
  CHECK(strcmp(now.folder, before->folder) == 0);
  CHECK(strcmp(now.locale, before->locale) == 0);
  CHECK(now.environment == before->environment);
  CHECK(now.environment_hash == before->environment_hash);
  CHECK(now.rounding == before->rounding);
  CHECK(now.control == before->control);
}

static void expect_no_children(void) {
  CHECK(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD);
  CHECK(children_died == 0);
}

static void test_nothing_of_the_host_is_touched(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  sigemptyset(&action.sa_mask);
  action.sa_handler = on_child;
  sigaction(SIGCHLD, &action, NULL);
  action.sa_handler = on_user;
  sigaction(SIGUSR1, &action, NULL);
  action.sa_handler = SIG_IGN;
  sigaction(SIGUSR2, &action, NULL);
  umask(027);
  setlocale(LC_ALL, "");
  NEED(setenv("TALLY_HOST_TEST", "yes", 1) == 0);
  static Surroundings before;
  look_around(&before);

  tally_embedded* embedded = start();
  expect_same(&before);
  tally_client* client = connect_to(embedded);
  tally_answer* answer = run_on_workers(client);
  expect_same(&before);
  expect_no_children();

  /* A worker dies, and then the fork server: the next jobs run all the same. */
  const pid_t worker = worker_of(answer);
  const pid_t zygote = parent_of(worker);
  CHECK(parent_of(zygote) != getpid());
  tally_answer_free(answer);
  NEED(kill(worker, SIGKILL) == 0);
  tally_answer_free(run_on_workers(client));
  NEED(kill(zygote, SIGKILL) == 0);
  tally_answer_free(run_on_workers(client));
  expect_no_children();

  tally_client_free(client);
  tally_embedded_free(embedded);
  expect_same(&before);
  expect_no_children();
  signal(SIGCHLD, SIG_DFL);
}

/* A signal to the process is for the host's threads: blocked there, it stays pending.
 */
static void test_signals_are_the_hosts(void) {
  signal(SIGUSR1, on_user);
  users = 0;
  sigset_t one;
  sigset_t pending;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  tally_embedded* embedded = start();
  tally_client* client = connect_to(embedded);
  tally_job* job = sum_job(TALLY_PATH_THREAD); /* so that there is a pool's thread */
  NEED(tally_job_set_range(job, 0, 1000000, 1, NULL) == TALLY_OK);
  tally_answer* answer = NULL;
  NEED(tally_run(client, job, &answer, NULL) == TALLY_OK);
  pthread_sigmask(SIG_BLOCK, &one, NULL);
  kill(getpid(), SIGUSR1);
  NEED(tally_ping(client, 0, NULL) == TALLY_OK); /* they have been awake since */
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGUSR1));
  CHECK(users == 0);
  pthread_sigmask(SIG_UNBLOCK, &one, NULL);
  CHECK(users == 1);
  tally_answer_free(answer);
  tally_job_free(job);
  tally_client_free(client);
  tally_embedded_free(embedded);
}

/* ---- Arithmetic -------------------------------------------------------- */

static uint64_t sum_of(tally_client* client, tally_path path, const double* values,
                       size_t count) {
  tally_job* job = sum_job(path);
  NEED(tally_job_set_values(job, TALLY_TYPE_F64, values, count, NULL) == TALLY_OK);
  tally_answer* answer = NULL;
  NEED(tally_run(client, job, &answer, NULL) == TALLY_OK);
  double sum = 0;
  uint64_t bits = 0;
  NEED(tally_result_f64(tally_answer_result(answer, 0), &sum, NULL) == TALLY_OK);
  memcpy(&bits, &sum, sizeof bits);
  tally_answer_free(answer);
  tally_job_free(job);
  return bits;
}

/* Inexact, and subnormal: rounding up or flushing to zero would show. */
static void test_the_hosts_arithmetic_changes_no_result(void) {
  const double inexact[] = {0.1, 0.2, 0.3, 1e-17, -0.7};
  const double subnormal[] = {4.9e-324, 4.9e-324, 1e-310};
  const tally_path paths[] = {TALLY_PATH_ANY, TALLY_PATH_THREAD, TALLY_PATH_PROCESS};
  uint64_t expected[3][2];
  for (int round = 0; round < 2; ++round) {
    if (round == 1) {
      fesetround(FE_UPWARD);
#if defined(__SSE__)
      _mm_setcsr(_mm_getcsr() | 0x8040u); /* flush to zero, denormals are zero */
#endif
    }
    static Surroundings before;
    look_around(&before);
    tally_embedded* embedded = start();
    tally_client* client = connect_to(embedded);
    for (int path = 0; path < 3; ++path) {
      const uint64_t first = sum_of(client, paths[path], inexact, 5);
      const uint64_t second = sum_of(client, paths[path], subnormal, 3);
      if (round == 1) CHECK(first == expected[path][0] && second == expected[path][1]);
      expected[path][0] = first;
      expected[path][1] = second;
    }
    expect_same(&before);
    tally_client_free(client);
    tally_embedded_free(embedded);
    expect_same(&before);
  }
  CHECK(expected[0][0] == expected[2][0] && expected[0][1] == expected[2][1]);
  CHECK(expected[0][1] != 0);
  fesetenv(FE_DFL_ENV);
#if defined(__SSE__)
  _mm_setcsr(0x1F80);
#endif
}

/* ---- Many times, and large --------------------------------------------- */

static int entries_of(const char* folder) {
  DIR* directory = opendir(folder);
  NEED(directory != NULL);
  int count = 0;
  while (readdir(directory) != NULL) ++count;
  closedir(directory);
  return count;
}

static void test_nothing_is_left_after_twenty_rounds(void) {
  int descriptors = 0;
  int threads = 0;
  for (int round = 0; round < 20; ++round) {
    tally_embedded* embedded = start();
    tally_client* client = connect_to(embedded);
    if (round % 4 == 1) tally_answer_free(run_on_workers(client));
    if (round % 2 == 0) tally_client_free(client);
    tally_embedded_free(embedded);
    if (round % 2 == 1) tally_client_free(client);
    if (round == 1) { /* what the C library keeps for good is there by now */
      descriptors = entries_of("/proc/self/fd");
      threads = entries_of("/proc/self/task");
    }
  }
  CHECK(entries_of("/proc/self/fd") == descriptors);
  CHECK(entries_of("/proc/self/task") == threads);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void* wait_at_the_gate(void* unused) {
  pthread_mutex_lock(&gate);
  pthread_mutex_unlock(&gate);
  return unused;
}

/* The fastest of some: what nobody disturbed. */
static double start_ms(void) {
  double least = 1e9;
  for (int round = 0; round < 7; ++round) {
    const double begin = now_ms();
    tally_embedded* embedded = start();
    const double took = now_ms() - begin;
    if (took < least) least = took;
    tally_embedded_free(embedded);
  }
  return least;
}

static void test_a_large_host_starts_as_fast(void) {
  enum { THREADS = 200 };
  const size_t bytes = (size_t)20 << 30;
  const double small = start_ms();
  pthread_t threads[THREADS];
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_mutex_lock(&gate);
  for (int i = 0; i < THREADS; ++i)
    NEED(pthread_create(&threads[i], &attributes, wait_at_the_gate, NULL) == 0);
  char* const mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  NEED(mapped != MAP_FAILED);
  /* Some of it is there: what a fork would copy the tables of. */
  for (size_t at = 0; at < (size_t)64 << 20; at += 4096) mapped[at * 64] = 1;
  /* Others may have the cores for a while; a fork of all this would never be fast. */
  double large = start_ms();
  for (int again = 0; again < 20 && large >= 2 * small + 5; ++again) {
    const double once_more = start_ms();
    if (once_more < large) large = once_more;
  }
  munmap(mapped, bytes);
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
  pthread_attr_destroy(&attributes);
  printf("a core starts in %.2f ms, in a large host in %.2f ms\n", small, large);
#ifndef TALLY_SANITIZED
  CHECK(large < 2 * small + 5);
#endif
}

/* ---- What it refuses --------------------------------------------------- */

static void test_refusals_say_why(void) {
  tally_embedded* embedded = NULL;
  tally_error* error = NULL;
  tally_embed_options options;
  memset(&options, 0, sizeof options);
  CHECK(tally_embed(&options, &embedded, &error) == TALLY_INVALID_ARGUMENT);
  CHECK(strcmp(tally_error_code(error), "bad_struct_size") == 0);
  tally_error_free(error);
  options.struct_size = sizeof options;
  options.worker_program = "/nowhere/tally-worker";
  CHECK(tally_embed(&options, &embedded, &error) == TALLY_NOT_FOUND);
  CHECK(strcmp(tally_error_code(error), "no_worker_program") == 0);
  CHECK(strstr(tally_error_message(error), "/nowhere/tally-worker") != NULL);
  tally_error_free(error);
  options.worker_program = "/etc/passwd"; /* there, but not to be executed */
  CHECK(tally_embed(&options, &embedded, &error) == TALLY_NOT_FOUND);
  tally_error_free(error);
  options.worker_program = NULL;
  options.workers = 1025;
  CHECK(tally_embed(&options, &embedded, NULL) == TALLY_INVALID_ARGUMENT);
  options.workers = 1;
  options.flags = 1;
  CHECK(tally_embed(&options, &embedded, NULL) == TALLY_INVALID_ARGUMENT);
  CHECK(tally_embed(NULL, NULL, NULL) == TALLY_INVALID_ARGUMENT);
  tally_client* client = NULL;
  CHECK(tally_embedded_connect(NULL, NULL, &client, NULL) == TALLY_INVALID_ARGUMENT);
  CHECK(embedded == NULL && client == NULL);
  tally_embedded_free(NULL);
}

int main(void) {
  test_refusals_say_why();
  test_nothing_of_the_host_is_touched();
  test_signals_are_the_hosts();
  test_the_hosts_arithmetic_changes_no_result();
  test_nothing_is_left_after_twenty_rounds();
  test_a_large_host_starts_as_fast();
  if (failures == 0) puts("the host is as it was");
  return failures == 0 ? 0 : 1;
}

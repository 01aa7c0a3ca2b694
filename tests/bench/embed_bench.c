/* embed_bench WORKER: each step is one round trip within this process.
 *
 *   inline    a job of one element, to an embedded core and back, through the C API
 *   pingpong  64 bytes to another thread and back over a Unix stream socketpair, with
 *             blocking reads: the least that asking another thread can cost
 *
 * The same thread does both. Speaks the lines of steps.h. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tally/tally_embed.h>

enum { PING_BYTES = 64, ELEMENT = 42 };

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void die(const char* what) {
  fprintf(stderr, "embed_bench: %s\n", what);
  exit(1);
}

static void* echo(void* end) {
  char packet[PING_BYTES];
  const int fd = *(const int*)end;
  while (read(fd, packet, sizeof packet) == PING_BYTES &&
         write(fd, packet, sizeof packet) == PING_BYTES) {
  }
  return NULL;
}

static void ping_pong(int fd) {
  char packet[PING_BYTES] = {0};
  if (write(fd, packet, sizeof packet) != PING_BYTES ||
      read(fd, packet, sizeof packet) != PING_BYTES)
    die("the echo is gone");
}

static void run_job(tally_client* client, const tally_job* job) {
  tally_answer* answer = NULL;
  int64_t sum = 0;
  if (tally_run(client, job, &answer, NULL) != TALLY_OK) die("the job failed");
  if (tally_answer_path(answer) != TALLY_PATH_INLINE) die("not run inline");
  if (tally_result_int64(tally_answer_result(answer, 0), &sum, NULL) != TALLY_OK ||
      sum != ELEMENT)
    die("wrong sum");
  tally_answer_free(answer);
}

int main(int argc, char** argv) {
  if (argc != 2) die("usage: embed_bench WORKER");
  tally_embed_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.worker_program = argv[1];
  const int64_t element = ELEMENT;
  tally_embedded* embedded = NULL;
  tally_client* client = NULL;
  tally_job* job = NULL;
  tally_error* error = NULL;
  if (tally_embed(&options, &embedded, &error) != TALLY_OK ||
      tally_embedded_connect(embedded, NULL, &client, &error) != TALLY_OK ||
      tally_job_new(&job, &error) != TALLY_OK ||
      tally_job_add_reducer(job, "sum", NULL, NULL, &error) != TALLY_OK ||
      tally_job_set_values(job, TALLY_TYPE_I64, &element, 1, &error) != TALLY_OK)
    die(tally_error_message(error));
  int ends[2];
  pthread_t thread;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 ||
      pthread_create(&thread, NULL, echo, &ends[1]) != 0)
    die("no echo");

  char line[64];
  while (fgets(line, sizeof line, stdin) != NULL) {
    char name[16];
    long count = 0;
    if (sscanf(line, "%15s %ld", name, &count) != 2 || count < 1)
      die("a step is a name and a count");
    const int is_job = strcmp(name, "inline") == 0;
    int64_t* const took = malloc((size_t)count * sizeof *took);
    if (took == NULL) die("no memory");
    for (long i = 0; i < count; ++i) {
      const int64_t start = now_ns();
      if (is_job)
        run_job(client, job);
      else
        ping_pong(ends[0]);
      took[i] = now_ns() - start;
    }
    for (long i = 0; i < count; ++i)
      printf("%s%lld", i == 0 ? "" : " ", (long long)took[i]);
    printf("\n");
    fflush(stdout);
    free(took);
  }
  shutdown(ends[0], SHUT_RDWR);
  pthread_join(thread, NULL);
  tally_job_free(job);
  tally_client_free(client);
  tally_embedded_free(embedded);
  return 0;
}

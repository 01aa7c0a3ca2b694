/* Many jobs in flight in a program's own poll() loop, which never blocks on tally.

     cc -std=c99 event_loop.c -ltally -o event_loop && ./event_loop 1000

   Sums 0..1, 0..2, … 0..N and prints the total of the sums. While jobs run, a timer of
   the program ticks on; Ctrl-C is left to end the program, which cancels the jobs.
   Exit code 0: done; 1: a job failed; 2: used wrongly, or no daemon. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tally/tally.h>

enum { TICK_MS = 100, MANY = 1000000 };

static int complain(const char* what, tally_error* error) {
  fprintf(stderr, "event_loop: %s: %s (%s)\n", what, tally_error_message(error),
          tally_error_code(error));
  tally_error_free(error);
  return 1;
}

/* Queues all jobs; the loop sends them as fast as the daemon reads. */
static int submit_all(tally_client* client, long jobs) {
  tally_job* job = NULL;
  tally_error* error = NULL;
  tally_ticket ticket = 0;
  long n;
  tally_status status = tally_job_new(&job, &error);
  if (status == TALLY_OK)
    status = tally_job_add_reducer(job, "sum", NULL, NULL, &error);
  for (n = 1; n <= jobs && status == TALLY_OK; ++n) {
    status = tally_job_set_range(job, 0, n + 1, 1, &error);
    if (status == TALLY_OK) status = tally_submit(client, job, &ticket, &error);
  }
  tally_job_free(job);
  return status == TALLY_OK ? 0 : complain("submitting", error);
}

/* Takes the answers that are there; gives how many, -1 if one is an error. */
static long take_ready(tally_client* client, int64_t* total) {
  tally_ticket ticket;
  long taken = 0;
  while ((ticket = tally_client_ready(client, NULL)) != 0) {
    tally_answer* answer = NULL;
    tally_error* error = NULL;
    int64_t sum = 0;
    tally_status status = tally_wait(client, ticket, &answer, &error);
    if (status == TALLY_OK)
      status = tally_result_int64(tally_answer_result(answer, 0), &sum, &error);
    tally_answer_free(answer);
    if (status != TALLY_OK) {
      complain("a job", error);
      return -1;
    }
    *total += sum;
    ++taken;
  }
  return taken;
}

static int loop(tally_client* client, long jobs) {
  int64_t total = 0;
  long left = jobs;
  unsigned long ticks = 0;
  while (left > 0) {
    struct pollfd watched;
    tally_error* error = NULL;
    long taken;
    memset(&watched, 0, sizeof watched);
    watched.fd = tally_client_fd(client);
    watched.events = (short)tally_client_events(client);
    if (poll(&watched, 1, TICK_MS) == 0) {
      ++ticks; /* the program's own work goes on */
      continue;
    }
    if (tally_client_dispatch(client, &error) != TALLY_OK)
      return complain("the daemon", error);
    taken = take_ready(client, &total);
    if (taken < 0) return 1;
    left -= taken;
  }
  printf("%" PRId64 "\n", total);
  fprintf(stderr, "%ld jobs, %lu ticks meanwhile\n", jobs, ticks);
  return 0;
}

int main(int argc, char** argv) {
  tally_client* client = NULL;
  tally_error* error = NULL;
  const long jobs = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
  int code;
  if (jobs < 1 || jobs > MANY) {
    fprintf(stderr, "usage: event_loop JOBS   (1 to %d)\n", MANY);
    return 2;
  }
  if (tally_connect(NULL, &client, &error) != TALLY_OK) {
    complain("the daemon", error);
    return 2;
  }
  code = submit_all(client, jobs);
  if (code == 0) code = loop(client, jobs);
  tally_client_free(client);
  return code;
}

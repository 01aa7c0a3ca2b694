/* A host that dies or leaves in the worst moments: victim MODE. It starts a core, gives
   its two workers an endless job, prints "ZYGOTE WORKER" (pids), and then, by MODE:

     wait          does nothing until it is killed
     forked        forks a child that keeps all it inherited, prints its pid, and waits
     exit          calls exit() with the job running and nothing freed
     atexit        calls exit(); a handler that was registered first frees the core
     abandon       returns from main() while another thread waits for the job */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tally/tally_embed.h>

static tally_embedded* embedded = NULL;
static tally_client* client = NULL;

static void die(const char* what, const tally_error* error) {
  fprintf(stderr, "victim: %s: %s\n", what, tally_error_message(error));
  _exit(1);
}

static void free_it(void) {
  tally_embedded_free(embedded);
  tally_client_free(client);
}

static tally_job* job_of(int64_t stop) {
  tally_job* job = NULL;
  if (tally_job_new(&job, NULL) != TALLY_OK ||
      tally_job_add_reducer(job, "sum", NULL, NULL, NULL) != TALLY_OK ||
      tally_job_set_range(job, 0, stop, 1, NULL) != TALLY_OK ||
      tally_job_set_path(job, TALLY_PATH_PROCESS, NULL) != TALLY_OK)
    die("no job", NULL);
  return job;
}

static void print_pids(void) {
  tally_error* error = NULL;
  tally_answer* answer = NULL;
  tally_worker_usage usage;
  usage.struct_size = sizeof usage;
  tally_job* job = job_of(1000000);
  if (tally_run(client, job, &answer, &error) != TALLY_OK ||
      tally_answer_worker(answer, 0, &usage, &error) != TALLY_OK)
    die("the first job", error);
  char path[64];
  snprintf(path, sizeof path, "/proc/%u/stat", usage.pid);
  FILE* file = fopen(path, "r");
  int zygote = 0;
  if (file == NULL || fscanf(file, "%*d (%*[^)]) %*c %d", &zygote) != 1)
    die("no stat", NULL);
  fclose(file);
  printf("%d %u\n", zygote, usage.pid);
  fflush(stdout);
  tally_answer_free(answer);
  tally_job_free(job);
}

static void* wait_for(void* ticket) {
  tally_answer* answer = NULL;
  (void)tally_wait(client, *(const tally_ticket*)ticket, &answer, NULL);
  return NULL;
}

int main(int argc, char** argv) {
  const char* const mode = argc == 2 ? argv[1] : "";
  if (strcmp(mode, "atexit") == 0) atexit(free_it);
  tally_embed_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.workers = 2;
  options.worker_program = TALLY_WORKER;
  tally_error* error = NULL;
  if (tally_embed(&options, &embedded, &error) != TALLY_OK ||
      tally_embedded_connect(embedded, NULL, &client, &error) != TALLY_OK)
    die("no core", error);
  print_pids();
  tally_job* endless = job_of(INT64_MAX);
  static tally_ticket ticket = 0;
  if (tally_submit(client, endless, &ticket, &error) != TALLY_OK ||
      tally_flush(client, &error) != TALLY_OK)
    die("the endless job", error);
  tally_job_free(endless);
  if (strcmp(mode, "forked") == 0) {
    const pid_t child = fork();
    if (child == 0)
      for (;;) pause();
    printf("%d\n", (int)child);
    fflush(stdout);
  }
  if (strcmp(mode, "abandon") == 0) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_for, &ticket) != 0) die("no thread", NULL);
    return 0;
  }
  if (strcmp(mode, "exit") == 0 || strcmp(mode, "atexit") == 0) exit(0);
  for (;;) pause();
}

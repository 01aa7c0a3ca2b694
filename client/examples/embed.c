/* The whole runtime inside this program: no daemon, no socket, no administrator.

     cc -std=c99 embed.c -ltally-embed -ltally -o embed && ./embed 500000000

   Sums 0, 1, … below N on worker processes, and says what that took.
   Exit code 0: done; 1: the job failed; 2: used wrongly, or no core. */
#include <stdio.h>
#include <stdlib.h>

#include <tally/tally_embed.h>

static int complain(const char* what, tally_error* error) {
  fprintf(stderr, "embed: %s: %s (%s)\n", what, tally_error_message(error),
          tally_error_code(error));
  tally_error_free(error);
  return 2;
}

static tally_status build(tally_job** job, int64_t stop, tally_error** error) {
  tally_status status = tally_job_new(job, error);
  if (status == TALLY_OK)
    status = tally_job_add_reducer(*job, "sum", NULL, NULL, error);
  if (status == TALLY_OK) status = tally_job_set_range(*job, 0, stop, 1, error);
  if (status == TALLY_OK) status = tally_job_set_path(*job, TALLY_PATH_PROCESS, error);
  return status;
}

int main(int argc, char** argv) {
  tally_embed_options options = {0};
  tally_embedded* core = NULL;
  tally_client* client = NULL;
  tally_job* job = NULL;
  tally_answer* answer = NULL;
  tally_error* error = NULL;
  int code = EXIT_SUCCESS;
  if (argc != 2) {
    fprintf(stderr, "usage: embed N\n");
    return 2;
  }
  options.struct_size = sizeof options;
  options.workers = 2;
  if (tally_embed(&options, &core, &error) != TALLY_OK)
    code = complain("no core", error);
  else if (tally_embedded_connect(core, NULL, &client, &error) != TALLY_OK)
    code = complain("no client", error);
  else if (build(&job, strtoll(argv[1], NULL, 10), &error) != TALLY_OK)
    code = complain("the job", error);
  else if (tally_run(client, job, &answer, &error) != TALLY_OK) {
    complain("the answer", error);
    code = EXIT_FAILURE;
  } else {
    tally_times times;
    times.struct_size = sizeof times;
    if (tally_answer_times(answer, &times, NULL) == TALLY_OK)
      printf("%s\nby %u workers, %llu chunks, %.1f ms\n",
             tally_result_text(tally_answer_result(answer, 0)),
             (unsigned)tally_answer_workers(answer),
             (unsigned long long)tally_answer_chunks(answer),
             (double)times.total_ns / 1e6);
  }
  tally_answer_free(answer);
  tally_job_free(job);
  tally_client_free(client);
  tally_embedded_free(core); /* ends the workers */
  return code;
}

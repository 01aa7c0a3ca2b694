/* Sums and averages a CSV column, and prints the report.

     cc -std=c99 sum.c -ltally -o sum && ./sum temp_max weather.csv

   Exit code 0: done; 1: the job failed; 2: used wrongly, or no daemon. */
#include <stdio.h>
#include <stdlib.h>

#include <tally/tally.h>

static int complain(const char* what, tally_error* error) {
  fprintf(stderr, "sum: %s: %s (%s)\n", what, tally_error_message(error),
          tally_error_code(error));
  tally_error_free(error);
  return 2;
}

static tally_status build(tally_job** job, const char* column, const char* file,
                          tally_error** error) {
  tally_status status = tally_job_new(job, error);
  if (status == TALLY_OK)
    status = tally_job_add_reducer(*job, "sum", column, NULL, error);
  if (status == TALLY_OK)
    status = tally_job_add_reducer(*job, "mean", column, NULL, error);
  if (status == TALLY_OK) status = tally_job_add_file(*job, file, error);
  return status;
}

static void print(tally_answer* answer) {
  size_t i;
  for (i = 0; i < tally_answer_result_count(answer); ++i) {
    const tally_result* result = tally_answer_result(answer, i);
    const tally_error* why = tally_result_error(result);
    printf("%s %s\n", tally_result_label(result),
           why != NULL ? tally_error_message(why) : tally_result_text(result));
  }
  printf("%s\n", tally_answer_json(answer));
}

int main(int argc, char** argv) {
  tally_client* client = NULL;
  tally_job* job = NULL;
  tally_answer* answer = NULL;
  tally_error* error = NULL;
  int code = EXIT_SUCCESS;
  if (argc != 3) {
    fprintf(stderr, "usage: sum COLUMN FILE\n");
    return 2;
  }
  if (build(&job, argv[1], argv[2], &error) != TALLY_OK)
    code = complain("the job", error);
  else if (tally_connect(NULL, &client, &error) != TALLY_OK)
    code = complain("the daemon", error);
  else if (tally_run(client, job, &answer, &error) != TALLY_OK) {
    complain("the answer", error);
    code = EXIT_FAILURE;
  }
  if (answer != NULL) print(answer); /* set beside an error, too */
  tally_answer_free(answer);
  tally_job_free(job);
  tally_client_free(client);
  return code;
}

/* The C API from C99: builds a job, meets argument errors, finds no daemon.
   Exit code 0: all held. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tally/tally.h"

static int failures = 0;

#define EXPECT(condition)                                             \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                     \
    }                                                                 \
  } while (0)

/* The call failed with this class and code; its error is freed. */
static void expect_error(tally_status status, tally_error* error, tally_status class_,
                         const char* code, int line) {
  if (status != class_ || error == NULL || tally_error_class(error) != class_ ||
      strcmp(tally_error_code(error), code) != 0 ||
      tally_error_message(error)[0] == '\0') {
    fprintf(stderr, "line %d: status %s, code %s; expected %s\n", line,
            tally_status_name(status), tally_error_code(error), code);
    ++failures;
  }
  tally_error_free(error);
}

#define EXPECT_ERROR(call, class_, code)                 \
  do {                                                   \
    tally_error* error = NULL;                           \
    tally_status status = (call);                        \
    expect_error(status, error, class_, code, __LINE__); \
  } while (0)

static void nulls_are_harmless(void) {
  tally_error_free(NULL);
  tally_client_free(NULL);
  tally_job_free(NULL);
  tally_answer_free(NULL);
  EXPECT(tally_error_class(NULL) == TALLY_OK);
  EXPECT(strcmp(tally_error_code(NULL), "") == 0);
  EXPECT(tally_error_json(NULL) == NULL);
  EXPECT(tally_answer_state(NULL) == 0);
  EXPECT(tally_answer_json(NULL) == NULL);
  EXPECT(tally_answer_result_count(NULL) == 0);
  EXPECT(tally_answer_result(NULL, 0) == NULL);
  EXPECT(strcmp(tally_result_label(NULL), "") == 0);
  EXPECT(tally_result_kind(NULL) == TALLY_KIND_NONE);
  EXPECT(tally_job_new(NULL, NULL) == TALLY_INVALID_ARGUMENT);
}

static void names_are_known(void) {
  EXPECT(strcmp(tally_status_name(TALLY_OK), "ok") == 0);
  EXPECT(strcmp(tally_status_name(TALLY_PARTIAL), "partial") == 0);
  EXPECT(strcmp(tally_status_name(TALLY_UNAVAILABLE), "unavailable") == 0);
  EXPECT(strcmp(tally_status_name(999), "unknown") == 0);
  EXPECT(strcmp(tally_status_name(-1), "unknown") == 0);
  EXPECT(tally_version()[0] != '\0');
}

static void a_job_takes_what_it_should(tally_job* job) {
  const double values[] = {1.5, 2.5};
  const char* const args[] = {"0.5"};
  EXPECT(tally_job_add_reducer(job, "mean", NULL, NULL, NULL) == TALLY_OK);
  EXPECT(tally_job_add_reducer_args(job, "quantile", args, 1, "temp", "q", NULL) ==
         TALLY_OK);
  EXPECT(tally_job_set_range(job, 0, 100, 1, NULL) == TALLY_OK);
  EXPECT(tally_job_set_values(job, TALLY_TYPE_F64, values, 2, NULL) == TALLY_OK);
  EXPECT(tally_job_set_values(job, TALLY_TYPE_F64, NULL, 0, NULL) == TALLY_OK);
  EXPECT(tally_job_set_memory(job, 0, TALLY_TYPE_I8, 0, 1, NULL) == TALLY_OK);
  EXPECT(tally_job_pair_memory(job, 0, TALLY_TYPE_I8, 0, 1, NULL) == TALLY_OK);
  EXPECT(tally_job_add_file(job, "/dev/null", NULL) == TALLY_OK);
  EXPECT(tally_job_set_format(job, TALLY_FORMAT_RAW, NULL) == TALLY_OK);
  EXPECT(tally_job_set_dtype(job, TALLY_TYPE_U16, NULL) == TALLY_OK);
  EXPECT(tally_job_set_csv(job, ';', 0, NULL) == TALLY_OK);
  EXPECT(tally_job_set_hint(job, TALLY_HINT_IO, NULL) == TALLY_OK);
  EXPECT(tally_job_set_path(job, TALLY_PATH_THREAD, NULL) == TALLY_OK);
  EXPECT(tally_job_set_workers(job, 2, NULL) == TALLY_OK);
  EXPECT(tally_job_set_limit(job, "nas", 4, NULL) == TALLY_OK);
  EXPECT(tally_job_set_limit(job, "nas", 2, NULL) == TALLY_OK);
  EXPECT(tally_job_set_limit(job, "nas", 0, NULL) == TALLY_INVALID_ARGUMENT);
  EXPECT(tally_job_set_limit(job, "n s", 1, NULL) == TALLY_INVALID_ARGUMENT);
  EXPECT(tally_job_set_limit(job, NULL, 1, NULL) == TALLY_INVALID_ARGUMENT);
  EXPECT(tally_job_set_chunk_size(job, 65536, NULL) == TALLY_OK);
  EXPECT(tally_job_set_missing(job, TALLY_MISSING_SKIP, NULL) == TALLY_OK);
  EXPECT(tally_job_set_nan(job, TALLY_NAN_ERROR, NULL) == TALLY_OK);
  EXPECT(tally_job_set_timeout_ns(job, 1000000000, NULL) == TALLY_OK);
  EXPECT(tally_job_set_priority(job, -1, NULL) == TALLY_OK);
  EXPECT(tally_job_set_require_isolated(job, 1, NULL) == TALLY_OK);
}

static void pairs_are_of_two_arrays(tally_job* job) {
  EXPECT_ERROR(tally_job_pair_memory(NULL, 0, TALLY_TYPE_I8, 0, 1, &error),
               TALLY_INVALID_ARGUMENT, "null_argument");
  EXPECT_ERROR(tally_job_pair_array(job, NULL, &error), TALLY_INVALID_ARGUMENT,
               "null_argument");
  EXPECT_ERROR(tally_job_pair_memory(job, 0, TALLY_TYPE_I8, 0, 1, &error),
               TALLY_INVALID_ARGUMENT, "dot_arrays");
  EXPECT(tally_job_set_range(job, 0, 1, 1, NULL) == TALLY_OK);
  EXPECT_ERROR(tally_job_pair_memory(job, 0, TALLY_TYPE_I8, 0, 1, &error),
               TALLY_INVALID_ARGUMENT, "dot_arrays");
  EXPECT(tally_job_set_memory(job, 0, TALLY_TYPE_I8, 0, 1, NULL) == TALLY_OK);
  EXPECT_ERROR(tally_job_pair_memory(job, 0, 11, 0, 1, &error), TALLY_INVALID_ARGUMENT,
               "bad_enum");
  EXPECT_ERROR(tally_job_pair_memory(job, -1, TALLY_TYPE_I8, 0, 1, &error),
               TALLY_INVALID_ARGUMENT, "bad_descriptor");
  EXPECT(tally_job_pair_memory(job, 0, TALLY_TYPE_I8, 0, 1, NULL) == TALLY_OK);
  EXPECT_ERROR(tally_job_pair_memory(job, 0, TALLY_TYPE_I8, 0, 1, &error),
               TALLY_INVALID_ARGUMENT, "dot_arrays");
  /* The first one anew takes the place of both. */
  EXPECT(tally_job_set_memory(job, 0, TALLY_TYPE_I8, 0, 1, NULL) == TALLY_OK);
  EXPECT(tally_job_pair_memory(job, 0, TALLY_TYPE_I8, 0, 1, NULL) == TALLY_OK);
}

static void a_job_refuses_what_it_should(tally_job* job) {
  EXPECT_ERROR(tally_job_add_reducer(NULL, "sum", NULL, NULL, &error),
               TALLY_INVALID_ARGUMENT, "null_argument");
  EXPECT_ERROR(tally_job_add_reducer(job, NULL, NULL, NULL, &error),
               TALLY_INVALID_ARGUMENT, "null_argument");
  EXPECT_ERROR(tally_job_add_reducer(job, "", NULL, NULL, &error),
               TALLY_INVALID_ARGUMENT, "no_reducer");
  EXPECT_ERROR(tally_job_set_range(job, 0, 1, 0, &error), TALLY_INVALID_ARGUMENT,
               "bad_range");
  EXPECT_ERROR(tally_job_set_values(job, 11, "", 0, &error), TALLY_INVALID_ARGUMENT,
               "bad_enum");
  EXPECT_ERROR(tally_job_set_values(job, TALLY_TYPE_F64, NULL, 1, &error),
               TALLY_INVALID_ARGUMENT, "null_argument");
  EXPECT_ERROR(tally_job_set_values(job, TALLY_TYPE_F64, "", SIZE_MAX, &error),
               TALLY_INVALID_ARGUMENT, "message_too_large");
  pairs_are_of_two_arrays(job);
  EXPECT_ERROR(tally_job_set_memory(job, -1, TALLY_TYPE_F64, 0, 1, &error),
               TALLY_INVALID_ARGUMENT, "bad_descriptor");
  EXPECT_ERROR(tally_job_add_file(job, "/nowhere/at/all.csv", &error), TALLY_NOT_FOUND,
               "no_such_file");
  EXPECT_ERROR(tally_job_add_file(job, "/", &error), TALLY_INVALID_ARGUMENT,
               "is_directory");
  EXPECT_ERROR(tally_job_set_format(job, 0, &error), TALLY_INVALID_ARGUMENT,
               "bad_enum");
  EXPECT_ERROR(tally_job_set_csv(job, '"', 1, &error), TALLY_INVALID_ARGUMENT,
               "bad_delimiter");
  EXPECT_ERROR(tally_job_set_hint(job, 3, &error), TALLY_INVALID_ARGUMENT, "bad_enum");
  EXPECT_ERROR(tally_job_set_path(job, TALLY_PATH_INLINE, &error),
               TALLY_INVALID_ARGUMENT, "bad_enum");
  EXPECT_ERROR(tally_job_set_nan(job, -1, &error), TALLY_INVALID_ARGUMENT, "bad_enum");
}

static void nobody_listens(void) {
  tally_connect_options options;
  tally_client* client = NULL;
  memset(&options, 0, sizeof options);
  options.socket_path = "/nowhere/at/all.sock";
  EXPECT_ERROR(tally_connect(&options, &client, &error), TALLY_INVALID_ARGUMENT,
               "bad_struct_size");
  options.struct_size = sizeof options;
  EXPECT_ERROR(tally_connect(&options, &client, &error), TALLY_UNAVAILABLE,
               "no_daemon");
  EXPECT(client == NULL);
  EXPECT_ERROR(tally_connect(&options, NULL, &error), TALLY_INVALID_ARGUMENT,
               "null_argument");
  options.flags = (uint64_t)1 << 63;
  EXPECT_ERROR(tally_connect(&options, &client, &error), TALLY_INVALID_ARGUMENT,
               "unknown_flag");
  EXPECT(client == NULL);
}

static void no_client_is_refused(void) {
  tally_ticket ticket = 0;
  void* user = &ticket;
  EXPECT(tally_client_fd(NULL) == -1);
  EXPECT(tally_client_events(NULL) == 0);
  EXPECT(tally_client_ready(NULL, &user) == 0);
  EXPECT(user == &ticket);
  EXPECT(tally_client_interrupt(NULL) == TALLY_INVALID_ARGUMENT);
  EXPECT_ERROR(tally_client_dispatch(NULL, &error), TALLY_INVALID_ARGUMENT,
               "null_argument");
  EXPECT_ERROR(tally_submit_with(NULL, NULL, NULL, &ticket, &error),
               TALLY_INVALID_ARGUMENT, "null_argument");
  EXPECT_ERROR(tally_attach(NULL, "1-1", NULL, &ticket, &error), TALLY_INVALID_ARGUMENT,
               "null_argument");
  EXPECT_ERROR(tally_ping(NULL, 0, &error), TALLY_INVALID_ARGUMENT, "null_argument");
  EXPECT_ERROR(tally_run(NULL, NULL, NULL, &error), TALLY_INVALID_ARGUMENT,
               "null_argument");
}

int main(void) {
  tally_job* job = NULL;
  nulls_are_harmless();
  names_are_known();
  EXPECT(tally_job_new(&job, NULL) == TALLY_OK);
  a_job_takes_what_it_should(job);
  a_job_refuses_what_it_should(job);
  tally_job_free(job);
  nobody_listens();
  no_client_is_refused();
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

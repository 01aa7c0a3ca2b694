/* A host that has set its floating-point environment otherwise, then embeds a core,
   runs jobs and prints what they answer. arithmetic_test.py starts it and knows what is
   right.

   usage: arithmetic_host SETTING…    upward, downward, towardzero, flush, traps
   Each line read is a job: PATH, SOURCE and reducers, as in `quantile(.1,.5)`, between
   tabs. SOURCE is START:STOP:STEP, @TYPE:FILE for the elements in FILE that go with the
   request, or a file. Each line written is the answer: its JSON, then for each result
   its text and, where it is a float, the bits of its f64; else "-". */
#include <fenv.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <tally/tally_embed.h>

#include "need.h"

enum { MOST_ELEMENTS = 1 << 20, MOST_ARGS = 64 };

/* ---- The host's floating-point environment ------------------------------ */

static void set(const char* setting) {
  if (strcmp(setting, "upward") == 0)
    NEED(fesetround(FE_UPWARD) == 0);
  else if (strcmp(setting, "downward") == 0)
    NEED(fesetround(FE_DOWNWARD) == 0);
  else if (strcmp(setting, "towardzero") == 0)
    NEED(fesetround(FE_TOWARDZERO) == 0);
#if defined(__x86_64__)
  else if (strcmp(setting, "flush") == 0)
    _mm_setcsr(_mm_getcsr() | 0x8040u); /* flush to zero, denormals are zero */
  else if (strcmp(setting, "traps") == 0)
    _mm_setcsr(_mm_getcsr() & ~0x1F80u); /* that of denormals too */
#endif
  else {
    fprintf(stderr, "no such setting: %s\n", setting);
    exit(1);
  }
}

/* All but the flags of what has happened. */
static unsigned control(void) {
#if defined(__x86_64__)
  return _mm_getcsr() & ~0x3Fu;
#else
  return (unsigned)fegetround();
#endif
}

/* ---- A job ---------------------------------------------------------------- */

static void need_ok(tally_status status, tally_error* error) {
  if (status == TALLY_OK) return;
  fprintf(stderr, "%s\n", tally_error_message(error));
  exit(1);
}

static void add_values(tally_job* job, char* text) {
  static char values[MOST_ELEMENTS];
  char* const name = strchr(text, ':');
  NEED(name != NULL);
  *name = '\0';
  const tally_type type = strcmp(text, "f32") == 0 ? TALLY_TYPE_F32 : TALLY_TYPE_F64;
  FILE* const file = fopen(name + 1, "rb");
  NEED(file != NULL);
  const size_t bytes = fread(values, 1, sizeof values, file);
  fclose(file);
  tally_error* error = NULL;
  need_ok(tally_job_set_values(job, type, values,
                               bytes / (type == TALLY_TYPE_F32 ? 4 : 8), &error),
          error);
}

static void add_source(tally_job* job, char* text) {
  int64_t start = 0, stop = 0, step = 0;
  tally_error* error = NULL;
  if (*text == '@')
    add_values(job, text + 1);
  else if (sscanf(text, "%" SCNd64 ":%" SCNd64 ":%" SCNd64, &start, &stop, &step) == 3)
    need_ok(tally_job_set_range(job, start, stop, step, &error), error);
  else
    need_ok(tally_job_add_file(job, text, &error), error);
}

static void add_reducer(tally_job* job, char* text) {
  const char* args[MOST_ARGS];
  size_t count = 0;
  char* rest = NULL;
  const char* const name = strtok_r(text, "(", &rest);
  for (char* arg = strtok_r(NULL, ",)", &rest); arg != NULL;
       arg = strtok_r(NULL, ",)", &rest)) {
    NEED(count < MOST_ARGS);
    args[count++] = arg;
  }
  tally_error* error = NULL;
  need_ok(tally_job_add_reducer_args(job, name, args, count, NULL, NULL, &error),
          error);
}

static tally_path path_of(const char* name) {
  if (strcmp(name, "thread") == 0) return TALLY_PATH_THREAD;
  if (strcmp(name, "process") == 0) return TALLY_PATH_PROCESS;
  return TALLY_PATH_ANY;
}

static void print_answer(tally_answer* answer) {
  fputs(tally_answer_json(answer), stdout);
  for (size_t i = 0; i < tally_answer_result_count(answer); ++i) {
    const tally_result* const result = tally_answer_result(answer, i);
    double value = 0;
    uint64_t bits = 0;
    printf("\t%s\t", tally_result_text(result));
    if (tally_result_f64(result, &value, NULL) == TALLY_OK) {
      memcpy(&bits, &value, sizeof bits);
      printf("0x%016" PRIx64, bits);
    } else {
      putchar('-');
    }
  }
  putchar('\n');
}

static void run(tally_client* client, char* line) {
  char* rest = NULL;
  tally_job* job = NULL;
  tally_answer* answer = NULL;
  tally_error* error = NULL;
  need_ok(tally_job_new(&job, &error), error);
  const char* const path = strtok_r(line, "\t\n", &rest);
  NEED(path != NULL);
  need_ok(tally_job_set_path(job, path_of(path), &error), error);
  char* const source = strtok_r(NULL, "\t\n", &rest);
  NEED(source != NULL);
  add_source(job, source);
  for (char* reducer = strtok_r(NULL, "\t\n", &rest); reducer != NULL;
       reducer = strtok_r(NULL, "\t\n", &rest))
    add_reducer(job, reducer);
  need_ok(tally_run(client, job, &answer, &error), error);
  print_answer(answer);
  tally_answer_free(answer);
  tally_job_free(job);
}

int main(int argc, char** argv) {
  static char line[1 << 16];
  for (int i = 1; i < argc; ++i) set(argv[i]);
  const unsigned before = control();
  tally_embed_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.workers = 2;
  options.worker_program = TALLY_WORKER;
  tally_embedded* embedded = NULL;
  tally_client* client = NULL;
  tally_error* error = NULL;
  need_ok(tally_embed(&options, &embedded, &error), error);
  need_ok(tally_embedded_connect(embedded, NULL, &client, &error), error);
  while (fgets(line, sizeof line, stdin) != NULL) {
    run(client, line);
    NEED(control() == before);
  }
  tally_client_free(client);
  tally_embedded_free(embedded);
  NEED(control() == before);
  fesetenv(FE_DFL_ENV); /* what ends a program need not be ready for less */
  return 0;
}

/* tally: C API. This header is the ABI; it is C99 and includes only C headers.

   Conventions, for every function here:
   - Types are opaque. X_free(NULL) does nothing.
   - A function that can fail returns tally_status and, if `error` is not NULL
     and it fails, stores a tally_error the caller frees. On success *error and
     on failure all other outputs are left as they were. (tally_wait and
     tally_run alone store an answer beside an error: see there.)
   - A NULL where an object or an output is needed is TALLY_INVALID_ARGUMENT,
     code "null_argument"; only what is said to be optional may be NULL.
   - Strings are UTF-8 and NUL-terminated. Those passed in are copied. Those
     returned belong to the object they were asked of and live as long as it.
   - Sizes and offsets are in bytes, counts in elements, times in nanoseconds.
   - A tally_client, tally_job or tally_answer may be used by one thread at a
     time; different objects are independent, and an answer does not need its
     client. tally_client_interrupt alone may be called from any thread and from
     signal handlers. No signal is raised (SIGPIPE neither), no exception
     leaves, no descriptor is inherited by programs that are executed.
   - After fork() a client belongs to the parent. In the child its functions fail
     with TALLY_INVALID_ARGUMENT, code "forked", and tally_client_free only gives
     back the child's memory and descriptor: the parent and its jobs notice
     nothing. The child connects for itself; jobs and answers work in both.
   - Options structs, and structs that are filled, start with struct_size; set
     it to sizeof the struct. New fields are only ever added at the end, with 0
     meaning the old behaviour.
   - Numbers of enumerations are never reused; a caller meets new ones. */
#ifndef TALLY_TALLY_H_
#define TALLY_TALLY_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TALLY_API __attribute__((visibility("default")))

/* ---- Status and errors ------------------------------------------------- */

/* What the caller does next. Values equal the wire's (ipc/base/error.h). */
typedef int32_t tally_status;
#define TALLY_OK 0
#define TALLY_INVALID_ARGUMENT 1   /* the caller's fault: do not retry as is */
#define TALLY_NOT_FOUND 2          /* no such job, file, column */
#define TALLY_OVERLOADED 3         /* refused for now: retry later */
#define TALLY_CANCELLED 4          /* somebody asked for it */
#define TALLY_DEADLINE_EXCEEDED 5  /* the job's time, or the caller's, ran out */
#define TALLY_WORKER_LOST 6        /* workers died; the attempts are spent */
#define TALLY_PROTOCOL_VIOLATION 7 /* not a tally daemon, or another version */
#define TALLY_IO 8                 /* a read or write failed */
#define TALLY_INTERNAL 9           /* a bug of tally's, or memory ran out */
#define TALLY_UNAVAILABLE 10       /* no daemon answers there */
#define TALLY_PERMISSION_DENIED 11 /* the daemon or the system refuses */
#define TALLY_INVALID_DATA 12      /* the input is not what it says */
#define TALLY_NO_VALUE 13          /* this reducer has no value here */
#define TALLY_PARTIAL 14           /* the value does not cover all input */

typedef struct tally_error tally_error;

/* "ok", "invalid_argument", …; "unknown" for other numbers. Static. */
TALLY_API const char* tally_status_name(tally_status status);

/* "0.1.0". Static. */
TALLY_API const char* tally_version(void);

/* The class, the same number that the function returned; TALLY_OK for NULL. */
TALLY_API tally_status tally_error_class(const tally_error* error);
/* The finer code, stable: "unknown_column". "" for NULL. */
TALLY_API const char* tally_error_code(const tally_error* error);
/* For people. "" for NULL. */
TALLY_API const char* tally_error_message(const tally_error* error);
/* {"error": {"code", "class", "message", and the code's own fields}}, one line.
   NULL for NULL. */
TALLY_API const char* tally_error_json(const tally_error* error);
/* Never that of an answer or a result. */
TALLY_API void tally_error_free(tally_error* error);
/* An error of the caller's own, for libraries that pass tally's on. Fails with NULL:
   TALLY_OK, a NULL text, no memory. The caller frees it. */
TALLY_API tally_error* tally_error_new(tally_status status, const char* code,
                                       const char* message);

/* ---- Client ------------------------------------------------------------ */

typedef struct tally_client tally_client;

typedef struct tally_connect_options {
  size_t struct_size;
  const char* socket_path; /* NULL: $TALLY_SOCKET, else /run/tally/tally.sock,
                              else $XDG_RUNTIME_DIR/tally/tally.sock */
  uint64_t timeout_ns;     /* of the first exchange; 0: wait for ever */
  uint64_t flags;          /* TALLY_CONNECT_*; 0: none */
} tally_connect_options;

/* tally_client_interrupt works; every wait costs one system call more. */
#define TALLY_CONNECT_INTERRUPTIBLE 1

/* Connects to a daemon. `options` may be NULL: all defaults, 10 s of patience.
   The caller frees *client. Blocks for a round trip, at most timeout_ns.
   Fails with TALLY_UNAVAILABLE (nobody listens there), TALLY_PERMISSION_DENIED,
   TALLY_PROTOCOL_VIOLATION, TALLY_DEADLINE_EXCEEDED, TALLY_INVALID_ARGUMENT (a
   flag that this library does not know). */
TALLY_API tally_status tally_connect(const tally_connect_options* options,
                                     tally_client** client, tally_error** error);
/* tally_connect over a stream socket that is connected already, by an embedded core
   or by the caller: socket_path is not used. Takes `fd` over, and closes it if this
   fails. Fails as tally_connect does, and with TALLY_INVALID_ARGUMENT
   ("bad_descriptor": it is no stream socket). */
TALLY_API tally_status tally_connect_fd(int fd, const tally_connect_options* options,
                                        tally_client** client, tally_error** error);
/* Closes the connection; jobs of this client that still run are cancelled, unless
   they are detached. Does not block. */
TALLY_API void tally_client_free(tally_client* client);

/* A round trip. timeout_ns 0: wait for ever.
   Fails with TALLY_UNAVAILABLE, TALLY_DEADLINE_EXCEEDED, TALLY_CANCELLED
   ("interrupted"). */
TALLY_API tally_status tally_ping(tally_client* client, uint64_t timeout_ns,
                                  tally_error** error);

/* Ends the blocking call (tally_wait, _run, _flush, _cancel, _ping) that this
   client is in, or else its next one that would block: it fails with
   TALLY_CANCELLED, code "interrupted". The job runs on and its ticket stays
   valid: wait again, or tally_cancel. Several interrupts before a wait ends are
   one. From any thread, and from signal handlers: async-signal-safe, errno is
   kept; the client must not be freed meanwhile.
   Fails with TALLY_INVALID_ARGUMENT: NULL, in a forked child, or not connected
   with TALLY_CONNECT_INTERRUPTIBLE. */
TALLY_API tally_status tally_client_interrupt(tally_client* client);

/* ---- Jobs: what to compute --------------------------------------------- */

typedef struct tally_job tally_job;

typedef int32_t tally_type;
#define TALLY_TYPE_I8 1
#define TALLY_TYPE_I16 2
#define TALLY_TYPE_I32 3
#define TALLY_TYPE_I64 4
#define TALLY_TYPE_U8 5
#define TALLY_TYPE_U16 6
#define TALLY_TYPE_U32 7
#define TALLY_TYPE_U64 8
#define TALLY_TYPE_F32 9
#define TALLY_TYPE_F64 10

typedef int32_t tally_format;
#define TALLY_FORMAT_NPY 1
#define TALLY_FORMAT_RAW 2
#define TALLY_FORMAT_CSV 3
#define TALLY_FORMAT_TEXT 4

typedef int32_t tally_hint;
#define TALLY_HINT_AUTO 0
#define TALLY_HINT_CPU 1 /* worker processes */
#define TALLY_HINT_IO 2  /* threads */

typedef int32_t tally_path;
#define TALLY_PATH_ANY 0
#define TALLY_PATH_INLINE 1 /* in answers only */
#define TALLY_PATH_THREAD 2
#define TALLY_PATH_PROCESS 3

#define TALLY_MISSING_ERROR 0
#define TALLY_MISSING_SKIP 1

#define TALLY_ON_FAILURE_FAIL 0
#define TALLY_ON_FAILURE_PARTIAL 1

#define TALLY_NAN_PROPAGATE 0
#define TALLY_NAN_SKIP 1
#define TALLY_NAN_ERROR 2

/* An empty job: it needs a reducer and a source. The caller frees *job; it can
   be submitted many times, to any client. Fails when memory runs out. */
TALLY_API tally_status tally_job_new(tally_job** job, tally_error** error);
/* Closes the files that the job opened; submitted jobs run on. */
TALLY_API void tally_job_free(tally_job* job);

/* Asks for one more result: count, sum, mean, min, max, argmin, argmax, sumsq,
   var, std, norm2, any, all, and, or, xor, prod.
   `column`: a header's name or a number from 1; NULL where there is one column.
   `label` names the result; NULL: the reducer's name. Whether such a reducer or
   column exists is the daemon's to say, at tally_wait.
   Fails with TALLY_INVALID_ARGUMENT for an empty name. */
TALLY_API tally_status tally_job_add_reducer(tally_job* job, const char* name,
                                             const char* column, const char* label,
                                             tally_error** error);
/* The same with arguments, as text: var and std take ddof ("1"); histogram takes bins,
   lo and hi ("100", "0", "1") or edges ("edges=0", "1", "5"). `args` may be NULL with
   0. */
TALLY_API tally_status tally_job_add_reducer_args(tally_job* job, const char* name,
                                                  const char* const* args,
                                                  size_t arg_count, const char* column,
                                                  const char* label,
                                                  tally_error** error);

/* ---- Jobs: over what (the last call wins; files add up) ---------------- */

/* The integers start, start + step, … before stop.
   Fails with TALLY_INVALID_ARGUMENT for step 0. */
TALLY_API tally_status tally_job_set_range(tally_job* job, int64_t start, int64_t stop,
                                           int64_t step, tally_error** error);
/* `count` elements of `type` at `values`, in this machine's byte order; they are
   copied and travel in the request, which holds at most 1 MiB: larger arrays go
   by tally_job_set_array. `values` may be NULL with 0. */
TALLY_API tally_status tally_job_set_values(tally_job* job, tally_type type,
                                            const void* values, size_t count,
                                            tally_error** error);
/* `count` elements of `type` from byte `offset` of a memfd that is sealed with
   F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE; the daemon refuses others. `fd`
   is duplicated and stays the caller's. Fails with TALLY_INVALID_ARGUMENT (no
   open descriptor, unknown type). */
TALLY_API tally_status tally_job_set_memory(tally_job* job, int fd, tally_type type,
                                            uint64_t offset, uint64_t count,
                                            tally_error** error);
/* A second array beside that of tally_job_set_memory or tally_job_set_array: their
   elements are paired one by one, for the reducer dot. Both have one type and as many
   elements, which the daemon checks. Another source takes the place of both. Fails as
   tally_job_set_memory does, and with TALLY_INVALID_ARGUMENT ("dot_arrays") where there
   is no first array, or a second one already. */
TALLY_API tally_status tally_job_pair_memory(tally_job* job, int fd, tally_type type,
                                             uint64_t offset, uint64_t count,
                                             tally_error** error);
/* Opens a file for reading and adds it to the input; at most 65,536, whose names
   fit into the request of 1 MiB with 24 bytes more for each: some 20,000. The daemon
   never opens a file itself. Of more than 64 files none stays open: they are opened
   again, by absolute path, when the daemon asks for them, from inside tally_wait or
   tally_client_dispatch; one that is gone or another file by then fails the job
   ("file_lost", "file_changed"). Such a job cannot be detached, nor have FIFOs. A FIFO
   is read once, as it comes, until its last writer has closed it. The first file's
   extension decides the format
   (.npy, .csv, .txt) unless tally_job_set_format does.
   Fails with TALLY_NOT_FOUND, TALLY_PERMISSION_DENIED, TALLY_INVALID_ARGUMENT
   (a directory, too many files), TALLY_IO. */
TALLY_API tally_status tally_job_add_file(tally_job* job, const char* path,
                                          tally_error** error);
/* How the files are read; set it before or after they are added. */
TALLY_API tally_status tally_job_set_format(tally_job* job, tally_format format,
                                            tally_error** error);
/* The elements' type: raw files need it; CSV and text are f64 without it. */
TALLY_API tally_status tally_job_set_dtype(tally_job* job, tally_type type,
                                           tally_error** error);
/* CSV: the delimiter (default ',') and whether the first record names the
   columns (default yes). Fails with TALLY_INVALID_ARGUMENT for a quote, a line
   end or NUL as delimiter. */
TALLY_API tally_status tally_job_set_csv(tally_job* job, char delimiter, int header,
                                         tally_error** error);

/* Adds a shared object whose kernels (tally_kernel.h) the reducers may name; at most
   16. It is opened here; what is in it the workers find out when the job runs. A name
   that a built-in reducer has means the built-in. A daemon that serves several users
   may run only kernels that its administrator lists; those need no call.
   Fails with TALLY_NOT_FOUND, TALLY_PERMISSION_DENIED, TALLY_INVALID_ARGUMENT (no
   regular file, too many), TALLY_IO. */
TALLY_API tally_status tally_job_add_kernel(tally_job* job, const char* path,
                                            tally_error** error);
/* ---- Arrays without a copy --------------------------------------------- */

/* An array in memory that the daemon and its workers read where it lies, by any
   number of jobs, at any size. It is written first, then shared:

     tally_array_create -> write tally_array_data -> tally_array_share ->
     tally_job_set_array, any number of times

   One thread at a time (tally_array_write excepted); reading tally_array_view is
   free to all. Jobs hold the memory by themselves: the array may be freed as soon as
   tally_job_set_array returns. After fork() the child has the array too, and while
   it is not shared both see what either writes. */
typedef struct tally_array tally_array;

/* What it lies in. Chosen by tally_array_create, for arrays of 2 MiB and more:
   reserved huge pages if enough are free, else transparent ones if the system gives
   them to shared memory, else ordinary pages. */
typedef int32_t tally_huge_pages;
#define TALLY_HUGE_PAGES_NONE 0
#define TALLY_HUGE_PAGES_TRANSPARENT 1
#define TALLY_HUGE_PAGES_RESERVED 2

/* `count` zeroes of `type`, to be written. 0 is allowed. The caller frees *array.
   Fails with TALLY_INVALID_ARGUMENT ("bad_enum", "too_large"), TALLY_IO (no memory,
   no descriptors). */
TALLY_API tally_status tally_array_create(tally_type type, uint64_t count,
                                          tally_array** array, tally_error** error);
/* Copies `count` elements to element `first` and on; from several threads at once,
   if the system's cores shall share a large copy. Faster than a memcpy to
   tally_array_data, whose pages have yet to be made; shown as a copy in the answers
   of jobs over the array. `values` may be NULL with 0.
   Fails with TALLY_INVALID_ARGUMENT ("out_of_range", "already_shared"), TALLY_IO. */
TALLY_API tally_status tally_array_write(tally_array* array, uint64_t first,
                                         const void* values, uint64_t count,
                                         tally_error** error);
/* Seals it: it can never be written again, by anybody. The caller keeps a read-only
   view at the same address: pointers into it stay good for reading. No thread may be
   writing meanwhile: it would get a SIGSEGV, as for any write from then on. Again:
   does nothing.
   Fails with TALLY_OVERLOADED ("array_in_use": somebody else has it mapped for
   writing, such as a child that was forked since, or a device still writes to it),
   TALLY_IO; it is writable then as before, and nothing that was written is lost. */
TALLY_API tally_status tally_array_share(tally_array* array, tally_error** error);
/* A shared array with a copy of `values`, for memory that cannot be given. The copy
   takes one core and is shown in the answers of jobs over it: tally_answer_copy.
   `values` may be NULL with 0. Fails as the three above. */
TALLY_API tally_status tally_array_copy(tally_type type, const void* values,
                                        uint64_t count, tally_array** array,
                                        tally_error** error);
/* Unmaps it: every pointer into it is void. Jobs that were given it run on. */
TALLY_API void tally_array_free(tally_array* array);

/* For a NULL array these give NULL, 0 or -1. */
/* Where to write, aligned to a page; NULL once it is shared and for 0 elements. */
TALLY_API void* tally_array_data(tally_array* array);
/* Where to read, before and after; NULL for 0 elements. */
TALLY_API const void* tally_array_view(const tally_array* array);
TALLY_API uint64_t tally_array_count(const tally_array* array);
TALLY_API tally_type tally_array_type(const tally_array* array);
/* The memfd; it stays the array's. */
TALLY_API int tally_array_fd(const tally_array* array);
TALLY_API int tally_array_is_shared(const tally_array* array);
TALLY_API tally_huge_pages tally_array_huge_pages(const tally_array* array);

/* The whole array as the job's source; another source takes its place as usual.
   Fails with TALLY_INVALID_ARGUMENT ("not_shared"), TALLY_IO (no descriptors). */
TALLY_API tally_status tally_job_set_array(tally_job* job, const tally_array* array,
                                           tally_error** error);
/* The whole array as the second one, as tally_job_pair_memory has it. */
TALLY_API tally_status tally_job_pair_array(tally_job* job, const tally_array* array,
                                            tally_error** error);

/* ---- Jobs: how --------------------------------------------------------- */

/* What the job is bound by; chooses the path where none is set. */
TALLY_API tally_status tally_job_set_hint(tally_job* job, tally_hint hint,
                                          tally_error** error);
/* TALLY_PATH_ANY, _THREAD or _PROCESS. */
TALLY_API tally_status tally_job_set_path(tally_job* job, tally_path path,
                                          tally_error** error);
/* At most this many workers or threads; 0 (default): as many as there are. */
TALLY_API tally_status tally_job_set_workers(tally_job* job, uint32_t workers,
                                             tally_error** error);
/* Elements (bytes for CSV and text) a chunk, rounded up by the daemon;
   0 (default): planned. The result's bits do not depend on it. */
TALLY_API tally_status tally_job_set_chunk_size(tally_job* job, uint64_t size,
                                                tally_error** error);
/* Empty cells: TALLY_MISSING_ERROR (default) or _SKIP. */
TALLY_API tally_status tally_job_set_missing(tally_job* job, int32_t policy,
                                             tally_error** error);
/* NaNs: TALLY_NAN_PROPAGATE (default), _SKIP or _ERROR. */
TALLY_API tally_status tally_job_set_nan(tally_job* job, int32_t policy,
                                         tally_error** error);
/* Where some part of the input kills every worker that is given it:
   TALLY_ON_FAILURE_FAIL (default), or _PARTIAL: the answer goes without that part. Its
   state is then TALLY_STATE_PARTIAL, which counts as a failure (TALLY_PARTIAL); values
   are there, and tally_answer_json names what they do not cover. */
TALLY_API tally_status tally_job_set_on_failure(tally_job* job, int32_t policy,
                                                tally_error** error);
/* The job's time from submission, kept by the daemon; 0 (default), or more than a
   hundred years: none. */
TALLY_API tally_status tally_job_set_timeout_ns(tally_job* job, uint64_t timeout_ns,
                                                tally_error** error);
/* Which of one's own jobs goes first: the higher one; 0 (default). A step counts as a
   second of waiting, so none waits for ever. */
TALLY_API tally_status tally_job_set_priority(tally_job* job, int32_t priority,
                                              tally_error** error);
/* Not 0: only worker processes will do, whatever the hint. */
TALLY_API tally_status tally_job_set_require_isolated(tally_job* job, int required,
                                                      tally_error** error);

/* At most `count` chunks at once, over all jobs that name this token, whoever
   submitted them: for what several share outside tally. The last call for a name
   wins; at most 8 names. Fails with TALLY_INVALID_ARGUMENT for count 0 and for a
   name that is not 1 to 64 letters, digits, '_', '.' or '-'. */
TALLY_API tally_status tally_job_set_limit(tally_job* job, const char* name,
                                           uint32_t count, tally_error** error);

/* ---- Running jobs ------------------------------------------------------ */

typedef struct tally_answer tally_answer;
typedef uint64_t tally_ticket; /* a submitted job of one client; never 0 */

/* Queues the job; it leaves with the next tally_flush, tally_wait, tally_cancel
   or tally_ping of this client, or once many are queued, so that many jobs share
   one system call. Any number may be outstanding. Does not block.
   Fails with TALLY_INVALID_ARGUMENT (no reducer, no source, over 1 MiB),
   TALLY_UNAVAILABLE (the connection is lost). */
TALLY_API tally_status tally_submit(tally_client* client, const tally_job* job,
                                    tally_ticket* ticket, tally_error** error);

/* How far a running job is, in elements, or bytes for CSV and text. */
typedef struct tally_progress {
  size_t struct_size; /* set by the library */
  uint64_t done;
  uint64_t total;   /* 0: not known */
  int32_t in_bytes; /* not 0: bytes */
} tally_progress;

/* Called on the client's thread, from inside tally_wait, _run, _flush, _cancel,
   _ping or tally_client_dispatch, some times a second, never after the ticket's
   answer was taken. `progress` lives until it returns. It must not use the client
   (tally_client_interrupt excepted) and must not throw or longjmp. */
typedef void (*tally_progress_function)(void* user, const tally_progress* progress);

typedef struct tally_submit_options {
  size_t struct_size;
  tally_progress_function progress; /* NULL: none */
  void* user;     /* for `progress` and tally_client_ready; the caller's */
  uint64_t flags; /* TALLY_SUBMIT_*; 0: none */
} tally_submit_options;

/* The job outlives this client. tally_wait returns as soon as the daemon has
   taken it on, with an answer in TALLY_STATE_QUEUED that holds nothing but
   tally_answer_job: the id for tally_attach and `tally wait`. The daemon keeps
   the result for a while after the job's end, not over its own. */
#define TALLY_SUBMIT_DETACHED 1

/* tally_submit with options; NULL: none. Fails also with TALLY_INVALID_ARGUMENT
   for a flag that this library does not know. */
TALLY_API tally_status tally_submit_with(tally_client* client, const tally_job* job,
                                         const tally_submit_options* options,
                                         tally_ticket* ticket, tally_error** error);
/* A ticket for a job that was submitted before, by any client of this user:
   `job` is its whole id, as tally_answer_job gives it. Does not block. `user` is
   for tally_client_ready and may be NULL. That there is no such job (any more)
   is told by tally_wait: TALLY_NOT_FOUND.
   Fails with TALLY_INVALID_ARGUMENT (no job id), TALLY_UNAVAILABLE. */
TALLY_API tally_status tally_attach(tally_client* client, const char* job, void* user,
                                    tally_ticket* ticket, tally_error** error);
/* Sends what is queued; blocks while the daemon does not read.
   Fails with TALLY_UNAVAILABLE, TALLY_CANCELLED ("interrupted"). */
TALLY_API tally_status tally_flush(tally_client* client, tally_error** error);
/* Waits for the end of a job. A ticket is good for one answer; jobs may be
   waited for in any order. The caller frees *answer.

   TALLY_OK: the job is done, *answer is set. Results may still lack a value of
   their own (the mean of nothing): tally_result_error.
   Any other status is the class of *error. Where the job itself ended without
   being done (failed, cancelled, expired, partial) *answer is set as well:
   partial results, times and memory are in it. Where there is no answer at all
   (the request was refused, the connection is lost: "connection_lost", the
   ticket is not outstanding: "unknown_ticket", the wait was "interrupted")
   *answer is left as it was: set it to NULL beforehand to tell the two apart.

   A connection that is lost is made anew from within tally_wait, _run, _flush and
   _cancel while jobs worth it are outstanding, and the daemon, which waits
   [limits] attached_grace for it, goes on with them: not detached, over more than
   2^20 elements of a range or of shared memory, or over more than 1 MiB of regular
   files (at most 64). Duplicates of their descriptors, at most 256 a client, are
   kept until the answer is there; the caller may close its own. Other jobs end
   with the connection ("connection_lost"), as all do where the daemon has gone or
   was started anew, after tally_client_dispatch (whose host watches the socket),
   and with tally_connect_fd. tally_client_free gives up what is outstanding.

   Many jobs: submit them all, then wait for each; answers that come before they
   are waited for are kept. Submits share a send and answers share a read, so this
   is many times the rate of one job after the other. */
TALLY_API tally_status tally_wait(tally_client* client, tally_ticket ticket,
                                  tally_answer** answer, tally_error** error);
/* tally_submit and tally_wait in one. A job whose run is interrupted is
   cancelled. */
TALLY_API tally_status tally_run(tally_client* client, const tally_job* job,
                                 tally_answer** answer, tally_error** error);
/* Asks for a job's end; tally_wait then gives its answer: cancelled, or done if
   it was faster. Blocks only while the daemon does not read.
   Fails with TALLY_INVALID_ARGUMENT ("unknown_ticket"), TALLY_UNAVAILABLE,
   TALLY_CANCELLED ("interrupted": the request leaves later). */
TALLY_API tally_status tally_cancel(tally_client* client, tally_ticket ticket,
                                    tally_error** error);

/* ---- In a host's event loop -------------------------------------------- */

/* Nothing here blocks. Watch tally_client_fd for tally_client_events; when one of
   them is there, call tally_client_dispatch, then take every ticket that
   tally_client_ready gives to tally_wait, which returns at once for those. Ask
   for the events anew after every call that submits, cancels or dispatches. */

/* The socket, for poll, epoll or an event loop. It stays the client's: do not
   read, write or close it; setting O_NONBLOCK does no harm. -1 for NULL and in a
   forked child. */
TALLY_API int tally_client_fd(const tally_client* client);
/* What to watch for: POLLIN, or POLLIN | POLLOUT while there is something to
   send. 0: the connection is lost; stop watching, the rest is ready. */
TALLY_API int tally_client_events(const tally_client* client);
/* Sends and receives what the socket takes and gives at once and calls progress
   functions. May be called at any time, as after tally_submit to send at once.
   Fails with TALLY_UNAVAILABLE ("connection_lost"), TALLY_PROTOCOL_VIOLATION,
   TALLY_IO, now and from then on; all tickets are ready then, and tally_wait
   gives each its answer, if it came in time, or this error. */
TALLY_API tally_status tally_client_dispatch(tally_client* client, tally_error** error);
/* A ticket for which tally_wait returns at once, in the order the answers came,
   each once; 0: none now. `user` (optional) is set to that of its
   tally_submit_options or tally_attach, NULL where there was none. */
TALLY_API tally_ticket tally_client_ready(tally_client* client, void** user);

/* ---- Answers ----------------------------------------------------------- */

typedef int32_t tally_state;
#define TALLY_STATE_QUEUED 1
#define TALLY_STATE_RUNNING 2
#define TALLY_STATE_DONE 3
#define TALLY_STATE_PARTIAL 4
#define TALLY_STATE_FAILED 5
#define TALLY_STATE_CANCELLED 6
#define TALLY_STATE_EXPIRED 7
#define TALLY_STATE_REFUSED 8

/* What was not measured, in the structs below. Never 0. */
#define TALLY_UNMEASURED UINT64_MAX

/* seen = kept + missing + filtered, over all rows of the input. */
typedef struct tally_elements {
  size_t struct_size;
  uint64_t seen;
  uint64_t kept;
  uint64_t missing;  /* empty cells that were skipped */
  uint64_t filtered; /* NaNs that were skipped */
} tally_elements;

/* queue + plan + run + merge + reply + other = total, as the daemon sees it. */
typedef struct tally_times {
  size_t struct_size;
  uint64_t queue_ns;
  uint64_t plan_ns;
  uint64_t run_ns;
  uint64_t merge_ns;
  uint64_t reply_ns;
  uint64_t other_ns;
  uint64_t total_ns;
  uint64_t transport_ns; /* from tally_submit to the end of tally_wait, less
                            total_ns: waiting late counts */
  uint64_t cpu_user_ns;
  uint64_t cpu_system_ns;
} tally_times;

typedef struct tally_memory {
  size_t struct_size;
  uint64_t peak_rss_bytes; /* largest of any chunk, mapped input included */
  uint64_t workers_pss_bytes;
  uint64_t workers_anon_bytes;
  uint64_t daemon_rss_bytes;
  uint64_t input_bytes;       /* counted once */
  double system_used_percent; /* (total - available) / total */
} tally_memory;

/* What was copied into the job's array before it was submitted, by this library:
   tally_array_copy, tally_array_write. No part of tally_times. */
typedef struct tally_copy {
  size_t struct_size;
  uint64_t bytes; /* 0: nothing was copied */
  uint64_t ns;    /* from the first copy's beginning to the last one's end */
} tally_copy;

typedef struct tally_worker_usage {
  size_t struct_size;
  uint32_t worker; /* slot; on the thread path, the thread */
  uint32_t pid;
  uint64_t chunks;
  uint64_t elements;
  uint64_t run_ns;
  uint64_t cpu_ns;
  uint64_t peak_rss_bytes;
} tally_worker_usage;

TALLY_API void tally_answer_free(tally_answer* answer);

/* For a NULL answer these give 0, NULL or "". */
TALLY_API tally_state tally_answer_state(const tally_answer* answer);
/* "done", … */
TALLY_API const char* tally_answer_state_name(const tally_answer* answer);
/* "7f3a91c2004be810-17": names the job for ever. */
TALLY_API const char* tally_answer_job(const tally_answer* answer);
TALLY_API tally_path tally_answer_path(const tally_answer* answer);
/* Why that path, and what else is worth knowing, in words. */
TALLY_API const char* tally_answer_reason(const tally_answer* answer);
TALLY_API uint32_t tally_answer_workers(const tally_answer* answer);
TALLY_API uint64_t tally_answer_chunks(const tally_answer* answer);
/* Attempts beyond the first of each chunk. */
TALLY_API uint64_t tally_answer_retries(const tally_answer* answer);
/* Why the job is not done; NULL if it is. The answer's; do not free it. */
TALLY_API const tally_error* tally_answer_error(const tally_answer* answer);

/* Fill a struct whose struct_size is set; fields that this library does not know
   are left as they were. Fail with TALLY_INVALID_ARGUMENT (struct_size 0, index
   out of range). */
TALLY_API tally_status tally_answer_elements(const tally_answer* answer,
                                             tally_elements* elements,
                                             tally_error** error);
TALLY_API tally_status tally_answer_times(const tally_answer* answer,
                                          tally_times* times, tally_error** error);
TALLY_API tally_status tally_answer_memory(const tally_answer* answer,
                                           tally_memory* memory, tally_error** error);
TALLY_API tally_status tally_answer_copy(const tally_answer* answer, tally_copy* copy,
                                         tally_error** error);
TALLY_API size_t tally_answer_worker_count(const tally_answer* answer);
TALLY_API tally_status tally_answer_worker(const tally_answer* answer, size_t index,
                                           tally_worker_usage* usage,
                                           tally_error** error);

/* The whole answer as one JSON object on one line, as `tally run --json` prints
   it. NULL for NULL and when memory runs out. */
TALLY_API const char* tally_answer_json(tally_answer* answer);

/* ---- Results ----------------------------------------------------------- */

/* One result of an answer, in the order the reducers were added. A kernel may give
   several, labelled label.sub, in a row. It belongs to its answer and is never
   freed. */
typedef struct tally_result tally_result;

typedef int32_t tally_kind;
#define TALLY_KIND_NONE 0 /* no value: tally_result_error says why */
#define TALLY_KIND_INT 1  /* exact, up to 128 bits */
#define TALLY_KIND_F64 2
#define TALLY_KIND_F32 3
#define TALLY_KIND_INDEX 4     /* where an element is */
#define TALLY_KIND_TEXT 5      /* what a kernel says in words: tally_result_text */
#define TALLY_KIND_HISTOGRAM 6 /* tally_result_histogram */

/* counts[i] elements are in [edges[i], edges[i + 1]), the last edge included. The
   arrays are the result's; do not free them. */
typedef struct tally_histogram {
  size_t struct_size;
  size_t bins;         /* counts; there is one edge more */
  const double* edges; /* ascending */
  const uint64_t* counts;
  uint64_t underflow; /* elements below the first edge */
  uint64_t overflow;  /* above the last */
  uint64_t nan;
} tally_histogram;

TALLY_API size_t tally_answer_result_count(const tally_answer* answer);
/* NULL if index is not below the count. */
TALLY_API const tally_result* tally_answer_result(const tally_answer* answer,
                                                  size_t index);

/* For a NULL result these give NULL, "" or 0. */
TALLY_API const char* tally_result_label(const tally_result* result);
TALLY_API const char* tally_result_reducer(const tally_result* result);
/* "" where the source has one column. */
TALLY_API const char* tally_result_column(const tally_result* result);
TALLY_API tally_kind tally_result_kind(const tally_result* result);
/* The value as text: decimal for integers, the shortest form that reads back
   the same for floats ("NaN", "Infinity", "-Infinity" too), the number for an
   index, the counts between blanks for a histogram. "" without a value. */
TALLY_API const char* tally_result_text(const tally_result* result);
/* Why there is no value; NULL if there is one. Do not free it. */
TALLY_API const tally_error* tally_result_error(const tally_result* result);

/* The value, if it is of that kind; else TALLY_INVALID_ARGUMENT, code
   "wrong_kind" (or the result's own error, if it has no value). */
/* value = high * 2^64 + low. */
TALLY_API tally_status tally_result_int128(const tally_result* result, int64_t* high,
                                           uint64_t* low, tally_error** error);
/* An integer that fits; else TALLY_INVALID_ARGUMENT "out_of_range". */
TALLY_API tally_status tally_result_int64(const tally_result* result, int64_t* value,
                                          tally_error** error);
/* f64, and f32, which it holds exactly. */
TALLY_API tally_status tally_result_f64(const tally_result* result, double* value,
                                        tally_error** error);
TALLY_API tally_status tally_result_f32(const tally_result* result, float* value,
                                        tally_error** error);
/* `index` from 0 within its file. `file` (optional) is the result's string, NULL
   where the source has no files. */
TALLY_API tally_status tally_result_index(const tally_result* result, uint64_t* index,
                                          const char** file, tally_error** error);
/* Fills a struct whose struct_size is set. */
TALLY_API tally_status tally_result_histogram(const tally_result* result,
                                              tally_histogram* histogram,
                                              tally_error** error);

#ifdef __cplusplus
}
#endif

#endif /* TALLY_TALLY_H_ */

/* tally_kernel.h: a reducer of your own, built as a shared object. C99, no library to
   link: everything the kernel may call comes to it in a table of functions.

   A kernel folds rows into a state:

     init      an empty state                         (memory comes zeroed)
     update    takes a block of rows in               state, rows -> state
     merge     takes another state in                 state, state -> state
     finish    says what the answer is                state -> values
     serialize, deserialize                           state <-> bytes

   Where and when. Worker processes load the kernel after they were forked, one call at
   a time, in one thread; a state lives in one worker and travels between workers as the
   bytes that serialize wrote. A crash costs one attempt at one chunk, never the daemon.
   (In the daemon itself a kernel runs only if the administrator lists it in
   [kernels] in_process; then several threads run it at once, with states of their own.)
   Workers are in a sandbox: a kernel computes, allocates and may start threads; opening
   files or sockets, starting or signalling processes ends its worker, and its job with
   the error worker_denied_call, which names the system call.

   Same bits. Rows come in file order. A leaf is 65,536 elements, or 1 MiB of csv or
   text (a record belongs to the leaf of its first byte); each leaf has a state of its
   own, also one without rows. Blocks end every 8,192 rows of a leaf, counted before
   rows without values are left out, so their borders depend on the job alone; leaves
   merge along a fixed binary tree, left with right. So a kernel that is deterministic
   gives the same bits with any number of workers, chunk size and retries, even if its
   merge is not associative. A kernel that reads clocks, random numbers or addresses
   does not.

   Conventions.
   - A function returns 0, or what tally_kernel_fail() returns: then the job fails with
     that message. C++ exceptions may leave a function: they fail the job as well.
   - Pointers that a function gets live until it returns. Blocks are read-only memory:
     writing to one is a SIGSEGV. Bytes behind a state's end are watched.
   - stdout and stderr are captured: the first kilobytes are in the error of a job that
     fails. There is no terminal, no standard input.
   - Static memory outlives chunks and jobs of a worker: keep nothing there that belongs
     to a job.
   - Floating point: round to nearest, no FTZ/DAZ; compile with -ffp-contract=off if the
     same bits are wanted from machines of different kinds.

   In C++ take tally_kernel.hpp instead: it writes this table for you. */
#ifndef TALLY_TALLY_KERNEL_H_
#define TALLY_TALLY_KERNEL_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header. A worker refuses a kernel of another number. */
#define TALLY_KERNEL_ABI 1u

/* Element types: a kernel's `types` is a sum of TALLY_KERNEL_TAKES(...). The numbers
   are those of tally.h (TALLY_TYPE_F64 is 10), and one more for text. */
#define TALLY_KERNEL_TYPE_I8 1
#define TALLY_KERNEL_TYPE_I16 2
#define TALLY_KERNEL_TYPE_I32 3
#define TALLY_KERNEL_TYPE_I64 4
#define TALLY_KERNEL_TYPE_U8 5
#define TALLY_KERNEL_TYPE_U16 6
#define TALLY_KERNEL_TYPE_U32 7
#define TALLY_KERNEL_TYPE_U64 8
#define TALLY_KERNEL_TYPE_F32 9
#define TALLY_KERNEL_TYPE_F64 10
/* Lines of a text file, cells of a csv column: tally_kernel_text. A kernel that takes
   text takes nothing else. */
#define TALLY_KERNEL_TYPE_TEXT 11
#define TALLY_KERNEL_TAKES(type) (UINT64_C(1) << (type))

typedef struct tally_kernel_text {
  const char* data; /* not NUL-terminated; any bytes */
  size_t size;
} tally_kernel_text;

/* Rows of the kernel's columns. All columns have the same type. Elements of a type that
   the kernel does not take are handed over as f64, if it takes that and every one of
   them is an f64 exactly; else the job fails. */
typedef struct tally_kernel_block {
  size_t struct_size;
  int32_t type;     /* TALLY_KERNEL_TYPE_* of every column */
  uint32_t columns; /* as the kernel has */
  size_t count;     /* rows, at least 1 */
  /* values[c]: `count` packed elements of column c, aligned to 64 bytes at least where
     the block begins a leaf; or `count` tally_kernel_text. */
  const void* const* values;
  /* Where the rows are: the index of the first within its file, before filtering; or,
     where rows were left out, `count` indices. */
  uint64_t first_row;
  const uint64_t* rows;  /* NULL: first_row, first_row + 1, ... */
  uint32_t file;         /* from 0 */
  const char* file_name; /* "" where the source has no files */
} tally_kernel_block;

struct tally_sync; /* tally_sync.h */
struct tally_sync_context;

/* A worker's side of one call; opaque. */
typedef struct tally_kernel_run tally_kernel_run;

/* What a kernel may call; use the functions below, not the table. */
struct tally_sync; /* tally_sync.h */
struct tally_sync_context;

typedef struct tally_kernel_host {
  size_t struct_size;
  const char* (*parameter)(tally_kernel_run* run, const char* name);
  int (*fail)(tally_kernel_run* run, const char* message);
  int (*write)(tally_kernel_run* run, const void* bytes, size_t size);
  int (*emit_int)(tally_kernel_run* run, const char* label, int64_t high, uint64_t low);
  int (*emit_f64)(tally_kernel_run* run, const char* label, double value);
  int (*emit_f32)(tally_kernel_run* run, const char* label, float value);
  int (*emit_text)(tally_kernel_run* run, const char* label, const char* text,
                   size_t size);
  int (*emit_none)(tally_kernel_run* run, const char* label, const char* why);
  int (*cancelled)(tally_kernel_run* run);
  /* Locks, queues and so on, by name within the job: tally_sync.h. NULL unless the
     kernel has TALLY_KERNEL_SYNC. */
  const struct tally_sync* (*sync)(tally_kernel_run* run,
                                   struct tally_sync_context** context);
} tally_kernel_host;

struct tally_kernel_run {
  const tally_kernel_host* host;
};

typedef struct tally_kernel_parameter {
  const char* name;          /* "base": [a-z0-9_], as in logsum(x, base=2) */
  const char* summary;       /* one line */
  const char* default_value; /* NULL: the job must give it */
} tally_kernel_parameter;

/* The merge is associative and commutative to the last bit: order cannot matter.
   `tally kernel check` holds it against that. Without it the fixed tree decides. */
#define TALLY_KERNEL_EXACT 1u
/* The kernel uses tally_sync.h: each job of it gets a region of shared memory. */
#define TALLY_KERNEL_SYNC 2u

typedef struct tally_kernel {
  uint32_t abi;         /* TALLY_KERNEL_ABI */
  uint32_t struct_size; /* sizeof(tally_kernel) */
  const char* name;     /* [a-z][a-z0-9_]*, at most 64 bytes, no built-in reducer's */
  const char* summary;  /* one line for `tally kernels` */
  uint64_t types;       /* TALLY_KERNEL_TAKES(...) | ... */
  uint32_t columns;     /* 1 to 16; more than one: csv, named as in bbox(x,y) */
  uint32_t flags;       /* TALLY_KERNEL_EXACT | TALLY_KERNEL_SYNC */
  const tally_kernel_parameter* parameters; /* may be NULL with 0 */
  size_t parameter_count;                   /* at most 16 */
  size_t state_size;                        /* 1 byte to 64 MiB, aligned to 64; without
                                               serialize at most 8 MiB */

  int (*init)(tally_kernel_run* run, void* state); /* may be NULL: zeroes will do */
  int (*update)(tally_kernel_run* run, void* state, const tally_kernel_block* block);
  int (*merge)(tally_kernel_run* run, void* into, const void* from);
  /* Calls tally_kernel_emit_*, once with the label "", or once for each of several
     labels (at most 64 letters, digits and _): then the results are named label.sub
     (bbox.min_x). At most 64. */
  int (*finish)(tally_kernel_run* run, const void* state);
  /* Both NULL: the state is plain bytes. Else serialize calls tally_kernel_write any
     number of times, at most 8 MiB in all, and equal states should write equal bytes;
     deserialize is given an initialised state and may refuse what is no state. */
  int (*serialize)(tally_kernel_run* run, const void* state);
  int (*deserialize)(tally_kernel_run* run, void* state, const void* bytes,
                     size_t size);
  /* Gives back what the state holds beside itself; may be NULL. Must not fail. */
  void (*destroy)(tally_kernel_run* run, void* state);
} tally_kernel;

/* The one symbol of a kernel's shared object: its kernels, at most 64, then NULL.
   Called once after loading. */
#define TALLY_KERNEL_EXPORT __attribute__((visibility("default")))
TALLY_KERNEL_EXPORT const tally_kernel* const* tally_kernels(void);

/* ---- What a kernel may call ------------------------------------------------ */

/* The text of a parameter, or its default; NULL for one that the kernel has not. */
static inline const char* tally_kernel_parameter_text(tally_kernel_run* run,
                                                      const char* name) {
  return run->host->parameter(run, name);
}
/* `return tally_kernel_fail(run, "negative value");` ends the job with that message. */
static inline int tally_kernel_fail(tally_kernel_run* run, const char* message) {
  return run->host->fail(run, message);
}
/* In serialize only. */
static inline int tally_kernel_write(tally_kernel_run* run, const void* bytes,
                                     size_t size) {
  return run->host->write(run, bytes, size);
}
/* In finish only. */
static inline int tally_kernel_emit_int(tally_kernel_run* run, const char* label,
                                        int64_t value) {
  return run->host->emit_int(run, label, value < 0 ? -1 : 0, (uint64_t)value);
}
static inline int tally_kernel_emit_int128(tally_kernel_run* run, const char* label,
                                           int64_t high, uint64_t low) {
  return run->host->emit_int(run, label, high, low);
}
static inline int tally_kernel_emit_f64(tally_kernel_run* run, const char* label,
                                        double value) {
  return run->host->emit_f64(run, label, value);
}
static inline int tally_kernel_emit_f32(tally_kernel_run* run, const char* label,
                                        float value) {
  return run->host->emit_f32(run, label, value);
}
/* UTF-8, at most 64 KiB. */
static inline int tally_kernel_emit_text(tally_kernel_run* run, const char* label,
                                         const char* text) {
  return run->host->emit_text(run, label, text, strlen(text));
}
/* This result has no value ("geomean of no elements"); the job is done all the same. */
static inline int tally_kernel_emit_none(tally_kernel_run* run, const char* label,
                                         const char* why) {
  return run->host->emit_none(run, label, why);
}
/* Not 0: nobody wants the chunk any more; a long update may return early, with 0. */
static inline int tally_kernel_cancelled(tally_kernel_run* run) {
  return run->host->cancelled(run);
}
/* What tally_sync.h describes, and the context for it. NULL where there is none. */
static inline const struct tally_sync* tally_kernel_sync(
    tally_kernel_run* run, struct tally_sync_context** context) {
  return run->host->sync(run, context);
}

#ifdef __cplusplus
}
#endif

#endif /* TALLY_TALLY_KERNEL_H_ */

/* tally_sync: what the instances of a kernel may share while they run. C99.

   Most kernels need none of it: a reducer's states share nothing, tally merges them,
   and that is faster and has the same result on every path. This is for what a kernel
   has beside its states: a cache that one instance fills, a device that two may use at
   once, a place for notes on odd elements.

   A kernel gets a table of functions and a context for it. Objects are named, and a
   name means the same object in all instances of the kernel within one job, whether
   they run in processes or threads; whoever uses a name first makes the object. They
   end with the job. A participant is one context, and belongs to one thread.

   Conventions, for every function here:
   - It returns one of the codes below; last_error() says more about a negative one.
   - A name is a NUL-terminated string of 1 to 47 bytes. A name that is in use for
     another kind of object, or for one of other sizes, is TALLY_SYNC_MISMATCH.
   - timeout_ns is a span; 0 only tries, TALLY_SYNC_FOREVER waits until it is done, the
     job is over (TALLY_SYNC_CLOSED), or it is known that it cannot be done any more.
   - A participant that is killed, or ends, never holds up the others: what it held
   comes back, noticed within 50 ms, and whoever gets it is told TALLY_SYNC_OWNER_DIED.
   - Pointers that are passed in are used during the call only. Outputs are set where
   the result is TALLY_SYNC_OK or _OWNER_DIED, and stay as they were otherwise.
   - Nothing is thrown and no signal is raised. */
#ifndef TALLY_TALLY_SYNC_H_
#define TALLY_TALLY_SYNC_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TALLY_SYNC_OK 0
#define TALLY_SYNC_OWNER_DIED                                                         \
  1                            /* done; but who had it died or left without giving it \
                                  back: look at what it guards */
#define TALLY_SYNC_TIMED_OUT 2 /* nothing was done */
#define TALLY_SYNC_CLOSED                                \
  3 /* nothing was done: the job is over; of a pipe: the \
       other end is closed */
#define TALLY_SYNC_PEER_DIED                                                          \
  4                            /* nothing was done: who should have done its part was \
                                  killed */
#define TALLY_SYNC_MISUSE (-1) /* a bug of the caller's: not its lock, a bad name */
#define TALLY_SYNC_MISMATCH (-2) /* the name is of another kind, or of other sizes */
#define TALLY_SYNC_FULL (-3)     /* the job's region has no room for one more */
#define TALLY_SYNC_FAILED (-4)   /* the region is damaged, or memory ran out */

#define TALLY_SYNC_FOREVER UINT64_MAX

typedef struct tally_sync_context tally_sync_context;

typedef struct tally_sync {
  size_t struct_size; /* new functions are added at the end only */

  /* What was wrong with this context's last call that returned a negative code; "" if
     there was none. Valid until the next call. */
  const char* (*last_error)(tally_sync_context* context);

  /* -- Lock: one owner at a time ------------------------------------------------------
     acquire of a lock that the context has already, and release of one that it has not,
     are TALLY_SYNC_MISUSE. An rlock may be acquired again by its owner, and is released
     as often. */
  int (*lock_acquire)(tally_sync_context* context, const char* name,
                      uint64_t timeout_ns);
  int (*lock_release)(tally_sync_context* context, const char* name);
  int (*rlock_acquire)(tally_sync_context* context, const char* name,
                       uint64_t timeout_ns);
  int (*rlock_release)(tally_sync_context* context, const char* name);

  /* -- Condition
     ------------------------------------------------------------------------ wait gives
     up `lock`, the name of a lock or rlock that the context has, until it is notified,
     and has it back when it returns; only after TALLY_SYNC_CLOSED it has not. The
     time-out is of the wait; taking the lock back takes as long as it takes.
     TALLY_SYNC_OWNER_DIED is of the lock, and does not say whether it was notified:
     wait in a loop that looks at what is waited for. A killed waiter costs no
     notification. notify wakes `waiters` of those who wait, UINT32_MAX: all. */
  int (*condition_wait)(tally_sync_context* context, const char* name, const char* lock,
                        uint64_t timeout_ns);
  int (*condition_notify)(tally_sync_context* context, const char* name,
                          uint32_t waiters);

  /* -- Event: a flag to wait for; clear at first
     ---------------------------------------- is_set: *set becomes 0 or 1. */
  int (*event_set)(tally_sync_context* context, const char* name);
  int (*event_clear)(tally_sync_context* context, const char* name);
  int (*event_is_set)(tally_sync_context* context, const char* name, int* set);
  int (*event_wait)(tally_sync_context* context, const char* name, uint64_t timeout_ns);

  /* -- Semaphore
     ------------------------------------------------------------------------ open comes
     first, in each context: `initial` permits; bounded is 0 or 1. The permits of a
     context that dies or ends come back. release gives back one of the context's own;
     if it has none, a bounded semaphore refuses (TALLY_SYNC_MISUSE) and another gets
     one permit more. */
  int (*semaphore_open)(tally_sync_context* context, const char* name, uint32_t initial,
                        int bounded);
  int (*semaphore_acquire)(tally_sync_context* context, const char* name,
                           uint64_t timeout_ns);
  int (*semaphore_release)(tally_sync_context* context, const char* name);

  /* -- Queue: records of bytes, in order, any number of givers and takers
     --------------- open comes first, in each context: room for `capacity` records of
     at most `record_bytes`. A record is put whole or not at all; if one was being put
     by a participant that was killed, one get says TALLY_SYNC_PEER_DIED in its place.
     get stores the record in `record`, which has `room` bytes, and its size in *bytes;
     one that does not fit stays in the queue (TALLY_SYNC_MISUSE). */
  int (*queue_open)(tally_sync_context* context, const char* name, uint32_t capacity,
                    uint32_t record_bytes);
  int (*queue_put)(tally_sync_context* context, const char* name, const void* record,
                   size_t bytes, uint64_t timeout_ns);
  int (*queue_get)(tally_sync_context* context, const char* name, void* record,
                   size_t room, size_t* bytes, uint64_t timeout_ns);
  int (*queue_size)(tally_sync_context* context, const char* name, uint32_t* records);

  /* -- Pipe: messages both ways between the ends 0 and 1, each held by one context
     ------- open comes first and makes the context the holder of `end`;
     TALLY_SYNC_MISUSE if a living one holds it. receive and send: when the other end's
     holder was killed, what it had sent is received first, then TALLY_SYNC_PEER_DIED;
     when it closed its end or ended, TALLY_SYNC_CLOSED. An end that nobody has opened
     yet is waited for. poll says what receive would say. */
  int (*pipe_open)(tally_sync_context* context, const char* name, int end,
                   uint32_t capacity, uint32_t message_bytes);
  int (*pipe_send)(tally_sync_context* context, const char* name, int end,
                   const void* message, size_t bytes, uint64_t timeout_ns);
  int (*pipe_receive)(tally_sync_context* context, const char* name, int end,
                      void* message, size_t room, size_t* bytes, uint64_t timeout_ns);
  int (*pipe_poll)(tally_sync_context* context, const char* name, int end,
                   uint64_t timeout_ns);
  int (*pipe_close)(tally_sync_context* context, const char* name, int end);
} tally_sync;

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TALLY_TALLY_SYNC_H_ */

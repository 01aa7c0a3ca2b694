/* tally, embedded: the whole runtime inside your program, with no daemon.

   libtally-embed runs the daemon's core on threads of your process. A client of it
   is an ordinary tally_client (tally.h), over a socketpair: same messages, same
   bits, same report. The conventions of tally.h hold here too.

   What is in your process: one thread that runs the core, and those of the thread
   path, started when they are needed. Workers are processes: executed from the
   program tally-worker, never forked from yours. A host with gigabytes mapped and
   hundreds of threads is neither copied nor slowed.

   Nothing of yours is touched:
   - Signals: the threads take none, no handler is installed, no disposition or mask
     changes. No child of ours raises SIGCHLD or is seen by your wait(): the workers'
     fork server is no child of yours (it belongs to init). A host that is PID 1 or
     made itself a subreaper adopts orphans, ours too, and may reap them: we wait for
     none of them by number and do not miss the status.
   - umask, working directory, locale, environment, rounding mode and exit handlers
     are yours. The environment is copied when tally_embed is called, for the
     workers. Your rounding mode, flush-to-zero, denormals-are-zero and unmasked
     floating-point exceptions change no result, and no text of one.
   - Descriptors are close-on-exec. There are about 20 and two or three more a worker.

   The thread that called tally_embed may end. If your process dies, however it
   dies, the workers die. */
#ifndef TALLY_TALLY_EMBED_H_
#define TALLY_TALLY_EMBED_H_

#include <tally/tally.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tally_embedded tally_embedded;

typedef struct tally_embed_options {
  size_t struct_size;
  uint32_t workers;           /* processes, at most 1024; 0: one a usable core */
  uint32_t threads;           /* of the thread path, at most 1024; 0: 64 */
  const char* worker_program; /* path of tally-worker; NULL: beside this library,
                                 else ../libexec/tally and ../../libexec/tally from
                                 there, else beside your executable, else
                                 ../libexec/tally from there */
  uint64_t flags;             /* none yet: 0 */
} tally_embed_options;

/* Starts a core. `options` may be NULL: all defaults. There may be several in one
   process; they share nothing. The caller frees *embedded. Blocks until the fork
   server was started (milliseconds); the workers come up meanwhile.
   Fails with TALLY_NOT_FOUND ("no_worker_program", naming every place that was
   looked at), TALLY_INVALID_ARGUMENT (out of range, a flag that this library does
   not know), TALLY_IO, TALLY_INTERNAL (no thread, no memory). */
TALLY_API tally_status tally_embed(const tally_embed_options* options,
                                   tally_embedded** embedded, tally_error** error);

/* A new client of it, as tally_connect gives one; socket_path is not used. `options`
   may be NULL. From any thread, any number.
   Fails as tally_connect does, and in a forked child ("forked"). */
TALLY_API tally_status tally_embedded_connect(tally_embedded* embedded,
                                              const tally_connect_options* options,
                                              tally_client** client,
                                              tally_error** error);

/* Ends it, at any moment and from any thread (while no other is in
   tally_embedded_connect): cancels what runs, ends the workers, joins the threads.
   Clients that are left are told: their jobs were cancelled, and then
   "connection_lost"; free them as usual, before or after. Takes milliseconds; a read
   that never returns (a hung network filesystem) is waited for. In a forked child it
   disturbs nobody: the core is the parent's. What was copied into the child stays there
   until the child executes a program or ends. */
TALLY_API void tally_embedded_free(tally_embedded* embedded);

#ifdef __cplusplus
}
#endif

#endif /* TALLY_TALLY_EMBED_H_ */

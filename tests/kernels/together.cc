// Kernels whose instances use what tally_sync.h gives them, all in update:
//
//   counted(how=lock)      takes a number out of a queue and puts it back one larger,
//                          alone: under a lock, an rlock or a semaphore's only permit
//   collected              puts the first row of each block into a queue; the end takes
//                          all of them out again
//   met(how=event)         one waits for another of the same job: by an event, or by
//                          messages through a pipe, there and back
//
// With die=1 one participant is killed the first time, in the midst of it: holding the
// lock or permit, or before it has answered.
#include <signal.h>

#include <cstring>
#include <string_view>

#include <tally/tally_kernel.h>
#include <tally/tally_sync.h>

namespace {

constexpr std::uint64_t kPatience = 20'000'000'000;  // ns; for what takes milliseconds

struct State {
  std::uint64_t blocks;
  std::uint64_t deaths;  // that it was told of
  std::uint64_t rows;    // sum of first rows
};

struct Host {
  explicit Host(tally_kernel_run* of) : run(of) {
    sync = run->host->sync == nullptr ? nullptr : run->host->sync(run, &context);
  }
  // The outcome if it is one that is wanted; else the job fails.
  bool done(int code) {
    if (code == TALLY_SYNC_OK || code == TALLY_SYNC_OWNER_DIED) return true;
    failed = tally_kernel_fail(run, code < 0 ? sync->last_error(context)
                                    : code == TALLY_SYNC_TIMED_OUT ? "timed out"
                                                                   : "closed or dead");
    return false;
  }
  tally_kernel_run* const run;
  tally_sync_context* context = nullptr;
  const tally_sync* sync = nullptr;
  int failed = 0;
};

bool is(tally_kernel_run* run, const char* parameter, std::string_view value) {
  return value == tally_kernel_parameter_text(run, parameter);
}

// True once in a job.
bool first_time(Host& host) {
  int set = 1;
  if (!host.done(host.sync->event_is_set(host.context, "died", &set))) return false;
  if (set != 0) return false;
  (void)host.done(host.sync->event_set(host.context, "died"));
  return true;
}

int acquire(Host& host) {
  const auto& [run, context, sync, failed] = host;
  if (is(run, "how", "lock")) return sync->lock_acquire(context, "one", kPatience);
  if (is(run, "how", "rlock")) return sync->rlock_acquire(context, "one", kPatience);
  if (!host.done(sync->semaphore_open(context, "one", 1, 1))) return TALLY_SYNC_FAILED;
  return sync->semaphore_acquire(context, "one", kPatience);
}
int release(Host& host) {
  const auto& [run, context, sync, failed] = host;
  if (is(run, "how", "lock")) return sync->lock_release(context, "one");
  if (is(run, "how", "rlock")) return sync->rlock_release(context, "one");
  return sync->semaphore_release(context, "one");
}

// Alone, so nobody may see the queue while the number is out of it.
bool count(Host& host) {
  std::uint64_t number = 0;
  std::size_t bytes = 0;
  std::uint32_t records = 0;
  if (!host.done(host.sync->queue_open(host.context, "number", 1, sizeof number)) ||
      !host.done(host.sync->queue_size(host.context, "number", &records)))
    return false;
  int begun = 0;
  if (!host.done(host.sync->event_is_set(host.context, "begun", &begun))) return false;
  if (begun != 0 && !host.done(host.sync->queue_get(host.context, "number", &number,
                                                    sizeof number, &bytes, 0)))
    return false;
  ++number;
  return host.done(host.sync->event_set(host.context, "begun")) &&
         host.done(
             host.sync->queue_put(host.context, "number", &number, sizeof number, 0));
}

int counted_update(tally_kernel_run* run, void* state,
                   const tally_kernel_block* block) {
  Host host(run);
  if (host.sync == nullptr) return tally_kernel_fail(run, "no sync");
  const int got = acquire(host);
  if (!host.done(got)) return host.failed;
  auto& own = *static_cast<State*>(state);
  own.deaths += got == TALLY_SYNC_OWNER_DIED ? 1 : 0;
  if (is(run, "die", "1") && block->first_row != 0 && first_time(host))
    ::raise(SIGKILL);
  if (host.failed != 0 || !count(host) || !host.done(release(host))) return host.failed;
  ++own.blocks;
  return 0;
}

int collected_update(tally_kernel_run* run, void* state,
                     const tally_kernel_block* block) {
  Host host(run);
  if (host.sync == nullptr) return tally_kernel_fail(run, "no sync");
  const std::uint64_t row = block->first_row;
  if (!host.done(host.sync->queue_open(host.context, "rows", 1000, sizeof row)) ||
      !host.done(
          host.sync->queue_put(host.context, "rows", &row, sizeof row, kPatience)))
    return host.failed;
  static_cast<State*>(state)->blocks += 1;
  static_cast<State*>(state)->rows += row;
  return 0;
}

// End 1 asks, end 0 answers.
int talk(Host& host, int end, bool dies, std::uint64_t& deaths) {
  const auto& [run, context, sync, failed] = host;
  for (;;) {
    if (!host.done(sync->pipe_open(context, "talk", end, 4, 16))) return host.failed;
    char text[16] = {};
    std::size_t bytes = 0;
    if (end == 1 &&
        !host.done(sync->pipe_send(context, "talk", end, "ask", 3, kPatience)))
      return host.failed;
    const int code =
        sync->pipe_receive(context, "talk", end, text, sizeof text, &bytes, kPatience);
    if (code == TALLY_SYNC_PEER_DIED) {
      ++deaths;
      return 0;  // told, in time; nobody is left who would answer
    }
    if (!host.done(code)) return host.failed;
    if (end == 1)
      return std::memcmp(text, "answer", 6) == 0
                 ? 0
                 : tally_kernel_fail(run, "another answer");
    if (dies && first_time(host)) ::raise(SIGKILL);
    return host.done(sync->pipe_send(context, "talk", end, "answer", 6, kPatience))
               ? 0
               : host.failed;
  }
}

int met_update(tally_kernel_run* run, void* state, const tally_kernel_block* block) {
  auto& own = *static_cast<State*>(state);
  ++own.blocks;
  // One block of each of the first two chunks.
  const bool first = block->first_row == 0;
  if (!first && block->first_row != 65536) return 0;
  Host host(run);
  if (host.sync == nullptr) return tally_kernel_fail(run, "no sync");
  if (is(run, "how", "event")) {
    (void)host.done(first ? host.sync->event_set(host.context, "met")
                          : host.sync->event_wait(host.context, "met", kPatience));
    return host.failed;
  }
  const bool dies = is(run, "die", "1");
  int gone = 0;
  if (dies && first &&
      host.done(host.sync->event_is_set(host.context, "died", &gone)) && gone != 0)
    return 0;  // its second life
  return talk(host, first ? 0 : 1, dies, own.deaths);
}

int merge(tally_kernel_run*, void* into, const void* from) {
  auto& own = *static_cast<State*>(into);
  const auto& other = *static_cast<const State*>(from);
  own.blocks += other.blocks;
  own.deaths += other.deaths;
  own.rows += other.rows;
  return 0;
}

int finish(tally_kernel_run* run, const void* state) {
  const auto& own = *static_cast<const State*>(state);
  tally_kernel_emit_int(run, "blocks", static_cast<std::int64_t>(own.blocks));
  return tally_kernel_emit_int(run, "deaths", static_cast<std::int64_t>(own.deaths));
}

int counted_finish(tally_kernel_run* run, const void* state) {
  Host host(run);
  std::uint64_t number = 0;
  std::size_t bytes = 0;
  if (!host.done(host.sync->queue_open(host.context, "number", 1, sizeof number)) ||
      !host.done(host.sync->queue_get(host.context, "number", &number, sizeof number,
                                      &bytes, 0)))
    return host.failed;
  tally_kernel_emit_int(run, "counted", static_cast<std::int64_t>(number));
  return finish(run, state);
}

int collected_finish(tally_kernel_run* run, const void* state) {
  Host host(run);
  const auto& own = *static_cast<const State*>(state);
  std::uint64_t sum = 0;
  std::uint32_t left = 0;
  if (!host.done(host.sync->queue_open(host.context, "rows", 1000, sizeof sum)) ||
      !host.done(host.sync->queue_size(host.context, "rows", &left)))
    return host.failed;
  const std::uint32_t records = left;
  for (; left != 0; --left) {
    std::uint64_t row = 0;
    std::size_t bytes = 0;
    if (!host.done(
            host.sync->queue_get(host.context, "rows", &row, sizeof row, &bytes, 0)))
      return host.failed;
    sum += row;
  }
  tally_kernel_emit_int(run, "records", records);
  tally_kernel_emit_int(run, "same", sum == own.rows ? 1 : 0);
  return finish(run, state);
}

constexpr tally_kernel_parameter kParameters[] = {
    {"how", "what is used", "lock"}, {"die", "whether one is killed", "0"}};

constexpr tally_kernel kernel(const char* name,
                              int (*update)(tally_kernel_run*, void*,
                                            const tally_kernel_block*),
                              int (*finish)(tally_kernel_run*, const void*)) {
  return {TALLY_KERNEL_ABI,
          sizeof(tally_kernel),
          name,
          "meets others of its job",
          TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_F64),
          1,
          TALLY_KERNEL_SYNC,
          kParameters,
          2,
          sizeof(State),
          nullptr,
          update,
          merge,
          finish,
          nullptr,
          nullptr,
          nullptr};
}

constexpr tally_kernel kCounted = kernel("counted", counted_update, counted_finish);
constexpr tally_kernel kCollected =
    kernel("collected", collected_update, collected_finish);
constexpr tally_kernel kMet = kernel("met", met_update, finish);

}  // namespace

const tally_kernel* const* tally_kernels(void) {
  static const tally_kernel* const kernels[] = {&kCounted, &kCollected, &kMet, nullptr};
  return kernels;
}

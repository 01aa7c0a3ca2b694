// Engine: jobs of several rounds: what comes after one.
#include <asio/post.hpp>

#include <memory>
#include <utility>

#include "ipc/base/guard.h"
#include "runtime/engine.h"

namespace tally {

void Engine::round_done(std::uint64_t number) {
  job::Job* job = find(number);
  if (job == nullptr) return;
  if (job->has_quantiles())
    counting_round(*job);
  else
    merge_round(*job);
}

// The chunks of a job with kernels have all given their states; a worker merges them.
void Engine::merge_round(const job::Job& job) {
  const std::uint64_t number = job.id.number;
  helpers_.post([this, number, states = job.kernel_states(), alive = alive_] {
    auto input = std::make_shared<Result<UniqueFd>>(
        guarded("states", Errc::Internal, [&] { return states->merge_input(); }));
    asio::post(loop_, [this, number, input, alive] {
      if (!*alive) return;
      job::Job* waiting = find(number);
      if (waiting == nullptr) return;  // cancelled meanwhile
      if (!*input)
        return feed(
            {sched::CancelRequested{number, input->error()}, std::nullopt, 0, 0});
      waiting->give_merge_input(*std::move(*input));
      // Where the chunks ran: kernels that may run in threads need no workers.
      const bool threads = waiting->plan().choice().path == model::Path::Thread;
      feed({sched::NextRound{number,
                             threads ? sched::Lane::Thread : sched::Lane::Process, 1, 1,
                             false, false},
            std::nullopt, 0, 0});
    });
  });
}

// What the chunks counted says what they are to count next. The last round is one of no
// chunks, which finishes the job.
void Engine::counting_round(job::Job& job) {
  const Result<bool> more = job.next_round();
  if (!more)
    return feed(
        {sched::CancelRequested{job.id.number, more.error()}, std::nullopt, 0, 0});
  const bool process = job.plan().choice().path == model::Path::Process;
  feed({sched::NextRound{
            job.id.number, process ? sched::Lane::Process : sched::Lane::Thread,
            *more ? job.plan().chunks() : 0, job.plan().parallel(), *more, true},
        std::nullopt, 0, 0});
}

}  // namespace tally

// Engine: submits that come again with the id that their client gave the job, and
// submitters that leave.
#include <utility>

#include "runtime/engine.h"

namespace tally {
namespace {

// `first`: of the submit that brought the job.
std::optional<Error> difference(const std::string& client_id,
                                const std::optional<job::SubmitDigest>& first,
                                const std::optional<job::SubmitDigest>& again) {
  const auto in_use = [&](const std::string& why) {
    return Error(Errc::InvalidArgument, "client_id_in_use",
                 "there is a job with the client id '" + client_id + "' already, " +
                     why + "; choose another id");
  };
  if (!first || !again)
    return in_use("and its files, which come by windows, cannot be compared")
        .with("differs", "unknown");
  if (first->spec != again->spec)
    return in_use("and it is another one: reducers, source or options differ")
        .with("differs", "spec");
  if (first->inputs != again->inputs)
    return in_use("over other files, or over these files before they were changed")
        .with("differs", "inputs");
  return std::nullopt;
}

}  // namespace

// None: there is no job with that id, alive or kept.
std::optional<model::JobId> Engine::submit_again(
    const Submission& submission, const std::optional<job::SubmitDigest>& digest,
    const std::shared_ptr<job::JobObserver>& observer) {
  const std::string& client_id = submission.spec.client_id;
  const auto named = client_ids_.find({submission.uid, client_id});
  job::Job* const alive = named == client_ids_.end() ? nullptr : find(named->second);
  const std::shared_ptr<const job::EndedJob> kept =
      alive ? nullptr : finished_.find(submission.uid, client_id, monotonic_ns());
  if (!alive && !kept) return std::nullopt;
  const model::JobId id = alive ? alive->id : kept->answer.id;
  if (const auto why =
          difference(client_id, alive ? alive->digest : kept->digest, digest)) {
    ++totals_.jobs_refused;
    observer->refused(*why);
    return id;
  }
  if (kept) {
    observer->accepted(id);
    observer->ended(kept);
    return id;
  }
  ++alive->submitters;
  alive->keep |= submission.keep;
  alive->wants_progress |= submission.wants_progress;
  alive->observers.push_back(observer);
  if (!alive->planned()) return id;  // it is told with the others
  observer->accepted(id);
  if (alive->wants_progress) arm_progress();
  return id;
}

bool Engine::leave(std::uint64_t number) {
  job::Job* const job = find(number);
  return job != nullptr && --job->submitters == 0;
}

}  // namespace tally

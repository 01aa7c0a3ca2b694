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
  const std::shared_ptr<const job::EndedJob> ended =
      alive ? nullptr : kept(submission.uid, client_id);
  if (!alive && !ended) return std::nullopt;
  const model::JobId id = alive ? alive->id : ended->answer.id;
  if (const auto why = difference(
          client_id, alive ? alive->known_digest() : ended->digest, digest)) {
    ++totals_.jobs_refused;
    observer->refused(*why);
    return id;
  }
  if (ended) {
    observer->accepted(id);
    observer->ended(ended);
    return id;
  }
  ++alive->submitters;
  alive->left_ns = 0;
  alive->keep |= submission.keep;
  alive->wants_progress |= submission.wants_progress;
  alive->observe(observer);
  if (!alive->planned()) return id;  // it is told with the others
  observer->accepted(id);
  if (alive->wants_progress) arm_progress();
  return id;
}

std::shared_ptr<const job::EndedJob> Engine::kept(std::uint32_t uid,
                                                  const std::string& client_id) {
  const Nanoseconds now = monotonic_ns();
  auto found = finished_.find(uid, client_id, now);
  return found ? found : unclaimed_.find(uid, client_id, now);
}

std::optional<Engine::Left> Engine::leave(std::uint64_t number) {
  job::Job* const job = find(number);
  if (job == nullptr || --job->submitters != 0) return std::nullopt;
  job->left_ns = monotonic_ns();
  return Left{job->left_ns, job->digest ? job->spec->client_id : std::string()};
}

Nanoseconds Engine::left_ns(std::uint64_t number) const {
  const job::Job* const job = find(number);
  return job == nullptr ? 0 : job->left_ns;
}

}  // namespace tally

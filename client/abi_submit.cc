// The C ABI: submitting jobs and waiting for them.
#include <limits>
#include <variant>

#include "client/abi_types.h"
#include "ipc/frame.h"

namespace tally::client {
namespace {

constexpr unsigned kWholeTagDigits = 16;

model::JobSpec spec_of(const tally_job& job) {
  model::JobSpec spec = job.spec;
  if (job.source)
    spec.source = *job.source;
  else
    spec.source = job.files;
  return spec;
}

Result<tally_submit_options> submit_options(const tally_submit_options* given) {
  if (given == nullptr) return tally_submit_options{};
  Result<tally_submit_options> options = options_from(*given, "tally_submit_options");
  if (!options) return options;
  if (Result<void> known =
          check_flags(options->flags, TALLY_SUBMIT_DETACHED, "tally_submit_options");
      !known)
    return std::move(known).error();
  return options;
}

ProgressCallback progress_of(const tally_submit_options& options) {
  if (options.progress == nullptr) return {};
  return [call = options.progress, user = options.user](const model::JobProgress& at) {
    const tally_progress progress{sizeof progress, at.done, at.total, at.in_bytes};
    call(user, &progress);
  };
}

// Where the files are more than one frame carries, with its kernels, they come when the
// daemon asks for them, from a list of the job's own.
FileOpener windowed_files(const tally_job& job, model::JobSpec& spec) {
  auto* source = std::get_if<model::FilesSource>(&spec.source);
  if (source == nullptr ||
      source->files.size() + spec.kernels.size() <= ipc::kMaxFrameDescriptors)
    return {};
  source->windowed = true;
  return [list = std::make_shared<const FileList>(job.list)](std::uint32_t file) {
    return list->open(file);
  };
}

Result<void> submit(tally_client& client, const tally_job* job,
                    const tally_submit_options* given, tally_ticket* ticket) {
  if (job == nullptr) return null_argument("job");
  if (ticket == nullptr) return null_argument("ticket");
  if (job->spec.reducers.empty())
    return Error(Errc::InvalidArgument, "no_reducer", "the job has no reducer");
  if (!job->source && job->files.files.empty())
    return Error(Errc::InvalidArgument, "no_source", "the job has no source");
  const Result<tally_submit_options> options = submit_options(given);
  if (!options) return options.error();
  model::JobSpec spec = spec_of(*job);
  FileOpener files = windowed_files(*job, spec);
  std::vector<int> fds;
  if (!files)
    for (const UniqueFd& fd : job->fds) fds.push_back(fd.get());
  for (std::size_t i = 0; i < spec.kernels.size(); ++i) {
    spec.kernels[i].descriptor = static_cast<std::uint32_t>(fds.size());
    fds.push_back(job->kernel_fds[i].get());
  }
  spec.detached = (options->flags & TALLY_SUBMIT_DETACHED) != 0;
  const Nanoseconds now = monotonic_ns();
  const Result<Ticket> queued = client.client->submit(
      spec, fds,
      spec.detached ? model::ReplyWhen::Accepted : model::ReplyWhen::Finished,
      progress_of(*options), std::move(files));
  if (!queued) return queued.error();
  client.outstanding[queued->sequence] = {now, options->user, job->copied};
  *ticket = queued->sequence;
  return {};
}

Result<void> attach(tally_client& client, const char* job, void* user,
                    tally_ticket* ticket) {
  if (job == nullptr) return null_argument("job");
  if (ticket == nullptr) return null_argument("ticket");
  const std::optional<model::JobIdPattern> id = model::parse_job_id(job);
  if (!id || id->tag_digits != kWholeTagDigits)
    return Error(Errc::InvalidArgument, "bad_job_id",
                 std::string(job) +
                     " is no whole job id: sixteen hex digits, a dash "
                     "and a number");
  const Nanoseconds now = monotonic_ns();
  const Result<Ticket> queued = client.client->attach({id->tag_prefix, id->number});
  if (!queued) return queued.error();
  client.outstanding[queued->sequence] = {now, user, {}};
  *ticket = queued->sequence;
  return {};
}

Result<Ticket> ticket_from(tally_ticket ticket) {
  if (ticket == 0 || ticket > std::numeric_limits<std::uint32_t>::max())
    return Error(Errc::InvalidArgument, "unknown_ticket",
                 "no reply is outstanding for this ticket");
  return Ticket{static_cast<std::uint32_t>(ticket)};
}

// What a reply to a submit or an attach says; a mere acceptance has only the id.
Result<model::JobAnswer> answer_in(model::Reply reply) {
  if (auto* ended = std::get_if<model::JobAnswer>(&reply)) return std::move(*ended);
  if (const auto* accepted = std::get_if<model::Accepted>(&reply)) {
    model::JobAnswer answer;
    answer.id = accepted->id;
    answer.state = model::JobState::Queued;
    return answer;
  }
  return Error(Errc::ProtocolViolation, "unexpected_reply",
               "the daemon answered a submit with something else");
}

Result<void> wait(tally_client& client, tally_ticket number, tally_answer** answer) {
  if (answer == nullptr) return null_argument("answer");
  const Result<Ticket> ticket = ticket_from(number);
  if (!ticket) return ticket.error();
  Result<model::Reply> reply = client.client->wait(*ticket, client.interrupted.get());
  if (!reply && reply.error().code() == "interrupted") return reply.error();
  Nanoseconds wall_ns = 0;
  CopyFigures copied;
  if (const auto at = client.outstanding.find(ticket->sequence);
      at != client.outstanding.end()) {
    wall_ns = monotonic_ns() - at->second.submitted_ns;
    copied = at->second.copied;
    client.outstanding.erase(at);
  }
  if (!reply) return std::move(reply).error();
  Result<model::JobAnswer> said = answer_in(*std::move(reply));
  if (!said) return std::move(said).error();
  std::optional<Error> failure = failure_of(*said);
  *answer = make_answer(*std::move(said), wall_ns).release();
  (*answer)->copied = copied;
  if (failure) return *std::move(failure);
  return {};
}

void abandon(tally_client& client, tally_ticket ticket) {
  const auto sequence = static_cast<std::uint32_t>(ticket);
  client.outstanding.erase(sequence);
  client.client->abandon(Ticket{sequence});
}

}  // namespace
}  // namespace tally::client

using tally::Result;
using tally::client::null_argument;
using tally::client::with_client;

extern "C" {

tally_status tally_submit(tally_client* client, const tally_job* job,
                          tally_ticket* ticket, tally_error** error) {
  return tally_submit_with(client, job, nullptr, ticket, error);
}

tally_status tally_submit_with(tally_client* client, const tally_job* job,
                               const tally_submit_options* options,
                               tally_ticket* ticket, tally_error** error) {
  return with_client(client, error, [&](tally_client& of) {
    return tally::client::submit(of, job, options, ticket);
  });
}

tally_status tally_attach(tally_client* client, const char* job, void* user,
                          tally_ticket* ticket, tally_error** error) {
  return with_client(client, error, [&](tally_client& of) {
    return tally::client::attach(of, job, user, ticket);
  });
}

tally_status tally_flush(tally_client* client, tally_error** error) {
  return with_client(client, error, [](tally_client& of) {
    return of.client->flush(of.interrupted.get());
  });
}

tally_status tally_wait(tally_client* client, tally_ticket ticket,
                        tally_answer** answer, tally_error** error) {
  return with_client(client, error, [&](tally_client& of) {
    return tally::client::wait(of, ticket, answer);
  });
}

tally_status tally_run(tally_client* client, const tally_job* job,
                       tally_answer** answer, tally_error** error) {
  return with_client(client, error, [&](tally_client& of) -> Result<void> {
    if (answer == nullptr) return null_argument("answer");
    tally_ticket ticket = 0;
    if (Result<void> queued = tally::client::submit(of, job, nullptr, &ticket); !queued)
      return queued;
    Result<void> done = tally::client::wait(of, ticket, answer);
    if (of.outstanding.contains(static_cast<std::uint32_t>(ticket)))
      tally::client::abandon(of, ticket);  // interrupted: nobody else has the ticket
    return done;
  });
}

tally_status tally_cancel(tally_client* client, tally_ticket ticket,
                          tally_error** error) {
  return with_client(client, error, [&](tally_client& of) -> Result<void> {
    const Result<tally::client::Ticket> known = tally::client::ticket_from(ticket);
    if (!known) return known.error();
    return of.client->cancel(*known, of.interrupted.get());
  });
}

}  // extern "C"

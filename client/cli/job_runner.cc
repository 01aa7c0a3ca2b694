#include "client/cli/job_runner.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "ipc/base/clock.h"

namespace tally::cli {
namespace {

bool is_interruption(const Error& error) {
  return error.code() == "interrupted";
}

}  // namespace

Error interruption() {
  return Error(Errc::Cancelled, "interrupted", "interrupted; the job was cancelled");
}

Result<FinishedJob> run_job(client::Client& client, const model::JobSpec& spec,
                            std::span<const int> files, Interrupt& interrupt,
                            ProgressBar& progress, client::FileOpener opener) {
  client::ProgressCallback on_progress;
  if (progress.enabled())
    on_progress = [&progress](const model::JobProgress& at) { progress.update(at); };

  FinishedJob job;
  const Nanoseconds submitted = monotonic_ns();
  const Result<client::Ticket> ticket =
      client.submit(spec, files, model::ReplyWhen::Finished, std::move(on_progress),
                    std::move(opener));
  if (!ticket) return ticket.error();
  Result<model::Reply> reply = client.wait(*ticket, interrupt.fd());
  if (!reply && is_interruption(reply.error())) {
    interrupt.consume();
    job.interrupted = true;
    const Result<void> cancelled = client.cancel(*ticket);
    if (!cancelled) return cancelled.error();
    reply = client.wait(*ticket, interrupt.fd());
  }
  job.wall_ns = monotonic_ns() - submitted;
  progress.clear();
  if (!reply) return std::move(reply).error();
  auto* const answer = std::get_if<model::JobAnswer>(&*reply);
  if (answer == nullptr)
    return Error(Errc::ProtocolViolation,
                 "the daemon answered something else than a job");
  job.answer = std::move(*answer);
  return job;
}

int exit_code_of(const model::JobAnswer& answer) {
  if (answer.error) return tally::exit_code_of(answer.error->errc());
  if (answer.state == model::JobState::Partial)
    return tally::exit_code_of(Errc::Partial);
  const bool without_value = std::ranges::any_of(
      answer.results, [](const auto& result) { return result.error.has_value(); });
  return without_value ? tally::exit_code_of(Errc::NoValue) : 0;
}

}  // namespace tally::cli

// Engine: kernels: what is in an image, what a death is told with.
#include <asio/post.hpp>

#include <chrono>
#include <utility>

#include "ipc/base/guard.h"
#include "runtime/engine.h"
#include "runtime/job/loss_place.h"

namespace tally {
namespace {

// For a worker to load an image and say what is in it.
constexpr std::chrono::milliseconds kDescribeDeadline{10'000};

}  // namespace

// At the cost of the user who asks for it first.
void Engine::describe(std::shared_ptr<const job::KernelImage> image,
                      std::uint32_t uid) {
  sched::JobRequest request;
  request.job = next_number_++;
  request.uid = uid;
  request.lane = sched::Lane::Process;
  request.chunks = 1;
  described_[request.job] = {std::move(image),
                             std::make_unique<asio::steady_timer>(loop_)};
  feed({sched::Submitted{request}, std::nullopt, 0, 0});
}

// From its dispatch on: while it waits for a worker, others are to blame.
void Engine::limit_description(std::uint64_t number) {
  asio::steady_timer& timer = *described_.at(number).timer;
  timer.expires_after(kDescribeDeadline);
  timer.async_wait([this, number, alive = alive_](asio::error_code error) {
    if (error || !*alive) return;
    const auto found = described_.find(number);
    if (found == described_.end()) return;
    const std::string& image = found->second.image->name;
    const auto limit = std::int64_t{kDescribeDeadline.count()};
    feed({sched::CancelRequested{
              number, Error(Errc::WorkerLost, "kernel_stalled",
                            "the kernels of " + image +
                                " went on for too long in load: for more than " +
                                std::to_string(limit) + " ms")
                          .with("image", image)
                          .with("call", "load")
                          .with("limit_ms", limit)},
          std::nullopt, 0, 0});
  });
}

exec::Assignment Engine::description(const job::KernelImage& image,
                                     const model::ChunkKey& key) const {
  exec::Assignment made;
  made.task.key = key;
  made.task.columns.emplace_back();
  made.task.piece = model::DescribePiece{};
  made.task.images.push_back({image.hash, image.name, std::nullopt});
  made.task.kernel_memory_bytes = options_.kernel_memory_bytes;
  made.images.push_back(image.content);
  return made;
}

// Kernels' states are kept until they are merged, and count as what requests do.
std::optional<Error> Engine::hold_states(job::Job& job) {
  if (!job.kernel_states()) return std::nullopt;
  const std::uint64_t bytes = job.kernel_states()->merge_input_bytes();
  const std::uint64_t more = bytes - job.state_bytes_held();
  if (more == 0) return std::nullopt;
  job.state_bytes_held() = bytes;
  hold_more(job, {.request_bytes = more}, monotonic_ns());
  return ledger_->excess(job.uid);
}

// What a worker had in hand of a kernel when it was lost makes a better story than that
// it was.
Error Engine::told(Error cause, const model::ChunkKey& running,
                   const exec::KernelPlace& place) const {
  const job::Job* job = find(running.job);
  if (job != nullptr && !job->planned()) job = nullptr;
  if (place.call == exec::KernelCall::None) {
    if (!place.output.empty()) cause = std::move(cause).with("output", place.output);
    if (job == nullptr || !reads_input(*job, running)) return cause;
    return job::at_place(std::move(cause), job->plan(), running.chunk,
                         job->part_of(running.chunk));
  }
  if (const auto image = described_.find(running.job); image != described_.end())
    return job::kernel_lost(cause, place, {"", image->second.image->name, ""});
  if (job == nullptr) return cause;
  cause = job::kernel_lost(cause, place, job->kernel_names(place));
  if (place.call != exec::KernelCall::Update) return cause;
  return job::at_place(std::move(cause), job->plan(), running.chunk,
                       job->part_of(running.chunk));
}

void Engine::list_kernels(std::uint32_t uid, std::vector<model::KernelFile> kernels,
                          std::vector<UniqueFd> fds, Listed listed) {
  Submission held;  // for the limits it is like a plan that is asked for
  held.uid = uid;
  held.fds = std::move(fds);
  const job::Claim claim = claim_of(held);
  if (const std::optional<Error> why = refusal(held, claim, monotonic_ns())) {
    closer_->close(std::move(held.fds));
    return listed(*why);
  }
  const auto files = closer_->hold(std::move(held.fds));
  ++explaining_;
  ledger_->hold(claim, monotonic_ns());
  kernels_.look_up(
      std::move(kernels), files, uid,
      [this, claim, listed = std::move(listed)](Result<job::FoundKernels> found) {
        --explaining_;
        give_back(claim, monotonic_ns());
        idle_if_empty();
        if (!found) return listed(found.error());
        std::vector<model::ListedKernel> list;
        for (const plan::KnownKernel& kernel : found->kernels)
          list.push_back(
              {kernel.info, kernel.image_name, kernel.image, kernel.in_process});
        listed(std::move(list));
      });
}

}  // namespace tally

#include "runtime/exec/process/worker_main.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ipc/base/give_way.h"
#include "ipc/codec/worker_codec.h"
#include "ipc/packet.h"
#include "runtime/account/chunk_meter.h"
#include "runtime/exec/chunk_runner.h"
#include "runtime/exec/fault_points.h"
#include "runtime/exec/job_sync.h"
#include "runtime/exec/long_chunk.h"
#include "runtime/exec/process/build_id.h"
#include "runtime/exec/process/ends_worker.h"
#include "runtime/exec/process/sandbox_limits.h"
#include "runtime/kernel/kernel_images.h"
#include "runtime/source/mapped_reader.h"
#include "runtime/source/paired_reader.h"

namespace tally::exec {
namespace {

class Worker {
 public:
  Worker(int link, ChunkPage& page, WorkerOutput output, WorkerSandbox sandbox)
      : page_(page),
        link_(link),
        sandbox_(std::move(sandbox)),
        runner_(page,
                [this](const auto& task, auto descriptors, auto& scratch) {
                  if (source::is_mapped(task))
                    return source::open_mapped_reader(task, descriptors, arrays_);
                  if (source::is_paired(task))
                    return source::open_paired_reader(task, descriptors, scratch,
                                                      &arrays_);
                  return source::open_reader(task, descriptors, scratch);
                },
                {&images_,
                 [this](const auto&, auto, auto context) { return sync_.get(context); },
                 true}),
        output_(std::move(output)) {}

  int run() {
    if (Result<void> entered = sandbox_.enter(page_); !entered) {
      std::fprintf(stderr, "the sandbox cannot be entered: %s\n",
                   entered.error().message().c_str());
      return 1;
    }
    fault_point("start", {});
    if (!send(ipc::WorkerReady{ipc::kProtocolVersion, std::string(kBuildId),
                               static_cast<std::uint32_t>(::getpid())}))
      return 0;
    for (;;) {
      meter_.arm();
      const Result<ipc::Transfer> got = packets_.receive(link_, 0);
      if (!got) return 1;
      if (*got == ipc::Transfer::Closed) return 0;
      Result<std::optional<ipc::Frame>> frame = packets_.next();
      if (!frame) return 1;
      if (!*frame) continue;
      Result<ipc::WorkerMessage> message = ipc::read_worker_message((*frame)->body);
      if (!message) return 1;
      if (const auto* old = std::get_if<ipc::ForgetArrays>(&*message)) {
        arrays_.forget(old->numbers);
        continue;
      }
      auto* tasks = std::get_if<std::vector<ipc::AssignedTask>>(&*message);
      if (tasks == nullptr) return 1;
      if (!work(*tasks, (*frame)->fds)) return 0;
    }
  }

 private:
  // Runs a batch, or its start; false when the daemon is gone, or this process is to
  // be.
  bool work(const std::vector<ipc::AssignedTask>& tasks, std::vector<UniqueFd>& fds) {
    std::vector<model::ChunkOutcome> outcomes;
    outcomes.reserve(tasks.size());
    for (const ipc::AssignedTask& assigned : tasks) {
      fault_point("assigned", assigned.task.key);
      outcomes.push_back(run_one(assigned, fds));
      fault_point("before_partial", assigned.task.key);
      if (ends_worker(outcomes.back())) break;
    }
    fds.clear();
    const model::ChunkKey last = outcomes.back().key;
    const bool spoilt = ends_worker(outcomes.back());
    if (!answer(std::move(outcomes))) return false;
    fault_point("after_partial", last);
    return !spoilt;
  }

  model::ChunkOutcome run_one(const ipc::AssignedTask& assigned,
                              const std::vector<UniqueFd>& fds) {
    std::vector<int> own;
    for (std::uint64_t i = 0; i < assigned.descriptors; ++i) {
      const std::uint64_t index = assigned.first_descriptor + i;
      if (index >= fds.size())
        return {assigned.task.key,
                Error(Errc::Internal, "bad_descriptor",
                      "a task names a descriptor that did not come with it"),
                {}};
      own.push_back(fds[index].get());
    }
    const bool has_kernels = !assigned.task.images.empty();
    if (has_kernels) output_.rewind();
    if (has_kernels) sandbox_.begin_chunk();
    images_.keep(assigned.task, own);
    sync_.begin(assigned.task, own);
    std::optional<GivingWay> behind;
    if (takes_long(assigned.task)) behind.emplace(niceness_);
    meter_.start(assigned.task);
    model::ChunkOutcome outcome = runner_.run(assigned.task, own);
    const model::ChunkUsage usage = meter_.stop();
    meter_.arm_again();
    sync_.end();
    if (has_kernels) add_output(outcome);
    if (auto* partial = std::get_if<model::Partial>(&outcome.result))
      partial->usage = usage;
    else
      outcome.spent = usage;
    return outcome;
  }

  // What a kernel wrote goes with its error; of a chunk that went well nobody reads it.
  void add_output(model::ChunkOutcome& outcome) const {
    auto* error = std::get_if<Error>(&outcome.result);
    if (error == nullptr) return;
    std::fflush(stdout);
    if (std::string text = output_.text(); !text.empty())
      *error = std::move(*error).with("output", std::move(text));
  }

  // Only what kernels give can be too much for a message.
  bool answer(std::vector<model::ChunkOutcome> outcomes) {
    bytes_.clear();
    ipc::WorkerMessage message = std::move(outcomes);
    if (ipc::append_worker_message(bytes_, 0, message)) {
      fault_half_way(link_, bytes_, std::get<2>(message).back().key);
      return send_bytes();
    }
    for (auto& outcome : std::get<std::vector<model::ChunkOutcome>>(message))
      outcome.result = Error(
          Errc::InvalidData, "kernel_partial_too_large",
          "what the job's kernels gave of a chunk, states and outputs, has more than " +
              std::to_string(ipc::kMaxWorkerBytes >> 20) + " MiB");
    return send(message);
  }

  bool send(const ipc::WorkerMessage& message) {
    bytes_.clear();
    return ipc::append_worker_message(bytes_, 0, message) && send_bytes();
  }

  bool send_bytes() {
    std::size_t sent = 0;
    const Result<ipc::Transfer> done = ipc::send_packets(link_, bytes_, {}, sent, 0);
    return done && *done == ipc::Transfer::Moved;
  }

  ChunkPage& page_;
  const int link_;
  // Before the sandbox, which opens nothing by its path.
  const int niceness_ = own_niceness();  // which the sandbox's filter has, too
  account::SelfFiles self_ = account::SelfFiles::open();
  WorkerSandbox sandbox_;
  account::ChunkMeter meter_{&self_};
  kernels::LoadedImages images_;
  source::MappedArrays arrays_;
  JobSync sync_;
  ChunkRunner runner_;
  const WorkerOutput output_;
  ipc::PacketAssembler packets_;
  ipc::Bytes bytes_;
};

}  // namespace

int worker_main(UniqueFd link, UniqueFd page, WorkerOutput output,
                WorkerSandbox sandbox) {
  const int kept[] = {link.get(), page.get(), output.fd(), sandbox.descriptor()};
  if (!close_all_but(kept)) return 1;
  if (!output.become_standard_output()) return 1;
  void* map = ::mmap(nullptr, sizeof(ChunkPage), PROT_READ | PROT_WRITE, MAP_SHARED,
                     page.get(), 0);
  if (map == MAP_FAILED) return 1;
  page.reset();
  // A child that a kernel forks must not act as a second worker on the same link: one
  // that comes back from the kernel's function ends there, where the page is written.
  if (::madvise(map, sizeof(ChunkPage), MADV_DONTFORK) != 0) return 1;
  // The daemon has constructed it; atomics are used in place.
  return Worker(link.get(), *std::launder(static_cast<ChunkPage*>(map)),
                std::move(output), std::move(sandbox))
      .run();
}

}  // namespace tally::exec

#include "runtime/exec/thread/thread_path.h"

#include <unistd.h>

#include <asio/post.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "runtime/account/chunk_meter.h"
#include "runtime/exec/batch_in_hand.h"
#include "runtime/exec/chunk_runner.h"
#include "runtime/exec/job_sync.h"
#include "runtime/exec/long_chunk.h"
#include "runtime/kernel/kernel_images.h"

namespace tally::exec {
namespace {

bool reads_pipe(const model::ChunkTask& task) {
  const auto* files = std::get_if<model::FilePieces>(&task.piece);
  return files != nullptr && !files->pieces.empty() && files->pieces.front().stream;
}

}  // namespace

// The kernels that the administrator lets into the daemon, loaded once for all threads.
class ThreadPath::SharedImages final : public kernels::KernelImages {
 public:
  Result<std::shared_ptr<const kernels::KernelLibrary>> find(
      const model::TaskImage& image, std::span<const int> descriptors) override {
    const std::lock_guard lock(mutex_);
    return images_.find(image, descriptors);
  }

 private:
  std::mutex mutex_;
  kernels::LoadedImages images_;  // guarded by mutex_
};

struct ThreadPath::Slot {
  explicit Slot(SharedImages& images)
      : runner(page, source::open_reader,
               {&images,
                [this](const auto&, auto, auto context) { return sync.get(context); },
                false}) {}

  std::uint32_t number = 0;
  ChunkPage page;
  bool of_pipe = false;  // what it has in hand reads one; the loop's
  BatchInHand batch;     // the loop's
  JobSync sync;
  ChunkRunner runner;
  account::ChunkMeter meter{nullptr};
};

// What threads have finished and the loop has not yet seen.
struct ThreadPath::Finished {
  explicit Finished(asio::io_context& io) : loop(io) {}

  asio::io_context& loop;
  ThreadPath* path = nullptr;  // loop's thread only; null once the path is gone

  std::mutex mutex;  // guards the two below
  std::vector<std::pair<std::uint32_t, std::vector<model::ChunkOutcome>>> batches;
  bool posted = false;
};

ThreadPath::ThreadPath(asio::io_context& loop, std::uint32_t slots, PathEvents& events)
    : events_(events),
      pid_(static_cast<std::uint32_t>(::getpid())),
      images_(std::make_unique<SharedImages>()),
      finished_(std::make_shared<Finished>(loop)),
      pool_("tally-thread", slots, false) {
  finished_->path = this;
  slots_.resize(slots);
}

ThreadPath::~ThreadPath() {
  finished_->path = nullptr;
}

void ThreadPath::start() {
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) events_.on_ready(slot);
}

void ThreadPath::run(std::uint32_t number, std::vector<Assignment> batch) {
  if (!slots_[number]) {
    slots_[number] = std::make_unique<Slot>(*images_);
    slots_[number]->number = number;
  }
  Slot& slot = *slots_[number];
  std::vector<model::ChunkKey> keys;
  keys.reserve(batch.size());
  for (const Assignment& one : batch) keys.push_back(one.task.key);
  slot.of_pipe = std::ranges::any_of(
      batch, [](const Assignment& one) { return reads_pipe(one.task); });
  slot.batch.begin(slot.page, std::move(keys));
  ++busy_;
  for (Assignment& one : batch) give_images(one);
  pool_.post([this, &slot, batch = std::move(batch)] {
    std::vector<model::ChunkOutcome> outcomes;
    outcomes.reserve(batch.size());
    std::vector<int> fds;
    for (const Assignment& one : batch) {
      fds.clear();
      for (const std::uint32_t index : one.descriptors)
        fds.push_back((*one.files)[index].get());
      for (const auto& fd : one.extra) fds.push_back(fd->get());
      std::optional<GivingWay> behind;
      if (takes_long(one.task)) behind.emplace(niceness_);
      slot.sync.begin(one.task, fds);
      slot.meter.start(one.task);
      model::ChunkOutcome outcome = slot.runner.run(one.task, fds);
      const model::ChunkUsage usage = slot.meter.stop();
      slot.sync.end();
      if (auto* partial = std::get_if<model::Partial>(&outcome.result))
        partial->usage = usage;
      else
        outcome.spent = usage;
      outcomes.push_back(std::move(outcome));
    }
    finish(slot, std::move(outcomes));
  });
}

// Threads share what is loaded, so whoever comes first needs the descriptor.
void ThreadPath::give_images(Assignment& assignment) {
  for (std::size_t i = 0; i < assignment.images.size(); ++i) {
    assignment.task.images[i].descriptor = static_cast<std::uint32_t>(
        assignment.descriptors.size() + assignment.extra.size());
    assignment.extra.push_back(assignment.images[i]);
  }
}

// On a pool thread.
void ThreadPath::finish(Slot& slot, std::vector<model::ChunkOutcome> outcomes) {
  bool post = false;
  {
    const std::lock_guard lock(finished_->mutex);
    finished_->batches.emplace_back(slot.number, std::move(outcomes));
    post = !std::exchange(finished_->posted, true);
  }
  if (!post) return;
  asio::post(finished_->loop, [finished = finished_] {
    if (finished->path != nullptr) finished->path->deliver();
  });
}

void ThreadPath::deliver() {
  decltype(finished_->batches) batches;
  {
    const std::lock_guard lock(finished_->mutex);
    batches.swap(finished_->batches);
    finished_->posted = false;
  }
  for (auto& [slot, outcomes] : batches) {
    --busy_;
    slots_[slot]->of_pipe = false;
    for (model::ChunkOutcome& outcome : outcomes)
      events_.on_outcome(slot, pid(slot), std::move(outcome));
  }
  events_.on_turn_end();
}

void ThreadPath::interrupt(std::uint32_t slot, std::uint64_t job) {
  if (slots_[slot]) slots_[slot]->batch.call_off(slots_[slot]->page, job);
}

bool ThreadPath::works_on(std::uint32_t slot, std::uint64_t job) const {
  if (!slots_[slot]) return false;
  const BatchInHand& batch = slots_[slot]->batch;
  return batch.at(slots_[slot]->page).value_or(batch.chunks().front()).job == job;
}

std::uint64_t ThreadPath::advanced(std::uint32_t slot) const {
  return slots_[slot] ? slots_[slot]->page.advanced.load(std::memory_order_relaxed) : 0;
}

Activity ThreadPath::activity() const {
  Activity activity;
  activity.busy = busy_;
  std::uint32_t waiting = 0;
  for (const auto& slot : slots_) {
    if (!slot) continue;
    activity.slots.push_back(SlotProgress::of(slot->page));
    // Reading one is nothing but waiting for it.
    if (slot->of_pipe && activity.slots.back().stage == ChunkStage::Reading) ++waiting;
  }
  activity.waits_for_pipes = busy_ > 0 && waiting == busy_;
  return activity;
}

std::uint32_t ThreadPath::pid(std::uint32_t) const {
  return pid_;
}

}  // namespace tally::exec

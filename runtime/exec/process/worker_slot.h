// What ProcessPath keeps of each place in its pool. For its own files alone.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/model/job_answer.h"
#include "runtime/exec/batch_in_hand.h"
#include "runtime/exec/process/process_path.h"
#include "runtime/exec/process/work_moment.h"
#include "runtime/exec/process/worker_process.h"

namespace tally::exec {

inline constexpr std::chrono::milliseconds kStartDeadline{5000};  // fork to hello
inline constexpr std::chrono::milliseconds kStopDeadline{1000};   // SIGTERM to SIGKILL

struct ProcessPath::Slot {
  Slot(std::uint32_t slot_number, asio::io_context& loop)
      : number(slot_number),
        timer(loop),
        fork_timer(loop),
        deaf_timer(loop),
        successor_timer(loop) {}

  const std::uint32_t number;
  WorkerState state = WorkerState::Dead;
  WorkerProcess worker;                    // that has the slot, or had it last
  std::optional<WorkerProcess> successor;  // that is starting, to take its place
  std::string succeeds_for;                // why: WorkerAge::due

  BatchInHand batch;                    // as assigned
  std::deque<model::ChunkKey> in_hand;  // of them, not yet answered

  std::uint64_t chunks_done = 0;
  std::uint64_t restarts = 0;
  std::uint32_t young_deaths = 0;  // in a row, before the hello
  asio::steady_timer timer;        // start, stop or cause deadline
  asio::steady_timer fork_timer;
  asio::steady_timer deaf_timer;  // an interrupt that is not heeded
  asio::steady_timer successor_timer;
  StillWatch watch;                 // of what it has in hand
  std::optional<Error> killed_for;  // why it ends, where we know
  bool is_leaving = false;          // its end comes, and not by what it has in hand
  model::StopMeans ended_by = model::StopMeans::Cooperative;  // what we ended it by
  std::uint64_t timer_round = 0;  // a timer that was set anew is another round

  bool works() const {
    return state == WorkerState::Busy || state == WorkerState::Draining;
  }

  // "chunk 3: reading file 0"; empty: nothing.
  std::string doing() const {
    const std::optional<model::ChunkKey> chunk = running();
    if (!chunk) return "";
    const bool begun = batch.begun(*worker.page.get()) > 0;
    return "chunk " + std::to_string(chunk->chunk) + ": " +
           (begun ? exec::doing(watch.moment()) : "not begun");
  }

  bool in_kernel() const {
    return !in_hand.empty() &&
           worker.page.get()->call.load(std::memory_order_acquire) != KernelCall::None;
  }

  // What the worker was working on: the last chunk it began. One that died before it
  // began any is charged with the first, or it could do so for ever.
  std::optional<model::ChunkKey> running() const {
    if (in_hand.empty()) return std::nullopt;
    const std::optional<model::ChunkKey> last = batch.at(*worker.page.get());
    if (!last) return in_hand.front();
    const bool open = std::find(in_hand.begin(), in_hand.end(), *last) != in_hand.end();
    return open ? last : std::nullopt;
  }

  // Whether what the worker is at, or comes to first, is called off.
  bool is_at_called_off() const {
    if (in_hand.empty()) return false;
    const ChunkPage& page = *worker.page.get();
    const std::size_t begun = batch.begun(page);
    return batch.is_called_off(page, begun == 0 ? 0 : begun - 1);
  }
  // Whether the worker has yet to come to one that is called off.
  bool comes_to_called_off() const {
    const ChunkPage& page = *worker.page.get();
    for (std::size_t i = batch.begun(page); i < batch.chunks().size(); ++i)
      if (batch.is_called_off(page, i)) return true;
    return false;
  }
};

// An old worker whose place another has taken, until it is gone.
struct ProcessPath::Retired {
  Retired(WorkerProcess old, asio::io_context& loop)
      : worker(std::move(old)), timer(loop) {}
  WorkerProcess worker;
  asio::steady_timer timer;
};

}  // namespace tally::exec

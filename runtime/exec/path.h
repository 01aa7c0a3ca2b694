// ExecutionPath: somewhere that chunks can run, as slots that take one batch at a time.
//
// The engine talks to the thread path and the process path through this seam; tests put
// a fake here. Slots announce themselves by on_ready and may come and go.
//
// Threads: the loop's, both ways: paths post back to it before they call PathEvents.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/error.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/chunk_task.h"
#include "ipc/model/job_answer.h"
#include "runtime/exec/chunk_page.h"

namespace tally::exec {

// A job's descriptors: shared, so that a chunk still being read keeps them open after
// its job has ended.
using JobFiles = std::vector<UniqueFd>;

struct Assignment {
  model::ChunkTask task;
  std::shared_ptr<const JobFiles> files;
  std::vector<std::uint32_t> descriptors;  // the task's own, as indexes into `files`
  // Further ones of the task's own, behind those.
  std::vector<std::shared_ptr<const UniqueFd>> extra;
  // The content of each of the task's images: the path adds to `extra` those that the
  // slot has not been given before, and sets their `descriptor`.
  std::vector<std::shared_ptr<const UniqueFd>> images;
};

// What a slot that was lost had in hand of a kernel: the words of its ChunkPage.
struct KernelPlace {
  KernelCall call = KernelCall::None;
  std::uint32_t kernel = 0;
  std::uint32_t file = 0;
  std::uint64_t first_row = 0;
  std::uint64_t rows = 0;
  std::string output;  // the first kilobytes of what it wrote to stdout and stderr
};

class PathEvents {
 public:
  virtual ~PathEvents() = default;
  virtual void on_ready(std::uint32_t slot) = 0;
  // `pid`: of the process that ran it, which may be the slot's no more.
  virtual void on_outcome(std::uint32_t slot, std::uint32_t pid,
                          model::ChunkOutcome outcome) = 0;
  // The slot lost all it had in hand; it is announced again when it is back.
  // `ended_by`: the strongest means of ours; Cooperative: its end was not our doing.
  virtual void on_gone(std::uint32_t slot, std::optional<model::ChunkKey> running,
                       bool spends_attempt, Error cause, const KernelPlace& place,
                       model::StopMeans ended_by) = 0;
  // All that came together was told: what was made of it may leave in one send.
  virtual void on_turn_end() {}
};

class ExecutionPath {
 public:
  virtual ~ExecutionPath() = default;
  // Precondition: the slot is ready and has nothing in hand.
  virtual void run(std::uint32_t slot, std::vector<Assignment> batch) = 0;
  // Raises the cancel flags of the job's chunks in the slot; they answer with Cancelled
  // soon, or the slot is lost.
  virtual void interrupt(std::uint32_t slot, std::uint64_t job) = 0;
  // Whether the slot is at a chunk of the job, and not at another that comes first.
  virtual bool works_on(std::uint32_t slot, std::uint64_t job) const = 0;
  // How far the slot is in the chunk it works on: elements, or bytes for csv.
  virtual std::uint64_t advanced(std::uint32_t slot) const = 0;
  // The process that runs the slot's chunks.
  virtual std::uint32_t pid(std::uint32_t slot) const = 0;
};

}  // namespace tally::exec

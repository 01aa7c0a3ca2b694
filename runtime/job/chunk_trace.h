// ChunkRecorder: which worker had which chunk of a job, from when to when.
//
// Only jobs that asked for it have one. Begin and end of a chunk that gave a partial
// are the worker's own, on the one monotonic clock that all processes of a machine
// share; they are cut to the time in which the worker had the chunk, whatever it says.
// Of any other chunk they are when it was handed out and when its end was heard of.
//
// Bounded: beyond model::kMostChunkRecords the attempts are only counted.
#pragma once

#include <cstdint>
#include <map>

#include "ipc/base/clock.h"
#include "ipc/model/chunk_task.h"
#include "ipc/model/job_answer.h"

namespace tally::job {

class ChunkRecorder {
 public:
  // What a traced job counts for against the limit on what requests hold.
  static constexpr std::uint64_t kMostBytes =
      model::kMostChunkRecords * sizeof(model::ChunkRecord);

  explicit ChunkRecorder(Nanoseconds received_ns) : received_ns_(received_ns) {}

  void dispatched(const model::ChunkKey& key, std::uint32_t worker, std::uint32_t pid,
                  Nanoseconds now_ns);
  // The last three change nothing for a chunk that was not handed out to the worker.
  void done(const model::ChunkKey& key, std::uint32_t worker,
            const model::ChunkUsage& usage, Nanoseconds now_ns);
  void ended(const model::ChunkKey& key, std::uint32_t worker, model::ChunkEnd how,
             Nanoseconds now_ns);
  // The worker will not run what it still has in hand.
  void taken_back(std::uint32_t worker);

  // What was recorded; chunks still in hand are called off now.
  model::ChunkTrace trace(Nanoseconds now_ns) const;

 private:
  struct InHand {
    std::uint32_t worker = 0;
    std::uint32_t pid = 0;
    std::uint32_t attempt = 0;
    Nanoseconds since_ns = 0;
  };
  using Hands = std::map<std::uint32_t, InHand>;  // by chunk: one has it at a time

  Hands::iterator find(const model::ChunkKey& key, std::uint32_t worker);
  model::ChunkRecord record_of(const Hands::value_type& in_hand) const;

  const Nanoseconds received_ns_;
  Hands in_hand_;
  model::ChunkTrace trace_;
};

}  // namespace tally::job

#include "runtime/job/chunk_trace.h"

#include <algorithm>

namespace tally::job {
namespace {

void add_to(model::ChunkTrace& trace, const model::ChunkRecord& record) {
  if (trace.records.size() < model::kMostChunkRecords)
    trace.records.push_back(record);
  else
    ++trace.left_out;
}

}  // namespace

void ChunkRecorder::dispatched(const model::ChunkKey& key, std::uint32_t worker,
                               std::uint32_t pid, Nanoseconds now_ns) {
  in_hand_[{worker, key.chunk}] = {pid, key.attempt, now_ns};
}

void ChunkRecorder::done(const model::ChunkKey& key, std::uint32_t worker,
                         const model::ChunkUsage& usage, Nanoseconds now_ns) {
  const auto found = in_hand_.find({worker, key.chunk});
  if (found == in_hand_.end()) return;
  const Nanoseconds since = found->second.since_ns;
  const Nanoseconds begin = std::clamp(usage.began_ns, since, std::max(since, now_ns));
  model::ChunkRecord record = record_of(found->first, found->second);
  record.begin_ns = begin - received_ns_;
  record.end_ns =
      record.begin_ns + std::min(usage.run_ns, std::max(begin, now_ns) - begin);
  in_hand_.erase(found);
  add_to(trace_, record);
}

void ChunkRecorder::ended(const model::ChunkKey& key, std::uint32_t worker,
                          model::ChunkEnd how, Nanoseconds now_ns) {
  const auto found = in_hand_.find({worker, key.chunk});
  if (found == in_hand_.end()) return;
  model::ChunkRecord record = record_of(found->first, found->second);
  record.end_ns = now_ns - received_ns_;
  record.end = how;
  in_hand_.erase(found);
  add_to(trace_, record);
}

void ChunkRecorder::taken_back(std::uint32_t worker) {
  in_hand_.erase(in_hand_.lower_bound({worker, 0}),
                 in_hand_.lower_bound({worker + 1, 0}));
}

model::ChunkTrace ChunkRecorder::trace(Nanoseconds now_ns) const {
  model::ChunkTrace all = trace_;
  for (const auto& [key, in_hand] : in_hand_) {
    model::ChunkRecord record = record_of(key, in_hand);
    record.end_ns = now_ns - received_ns_;
    record.end = model::ChunkEnd::CalledOff;
    add_to(all, record);
  }
  return all;
}

model::ChunkRecord ChunkRecorder::record_of(const HandKey& key,
                                            const InHand& in_hand) const {
  model::ChunkRecord record;
  record.worker = key.first;
  record.pid = in_hand.pid;
  record.chunk = key.second;
  record.attempt = in_hand.attempt;
  record.begin_ns = in_hand.since_ns - received_ns_;
  return record;
}

}  // namespace tally::job

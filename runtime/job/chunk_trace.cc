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
  in_hand_[key.chunk] = {worker, pid, key.attempt, now_ns};
}

void ChunkRecorder::done(const model::ChunkKey& key, std::uint32_t worker,
                         const model::ChunkUsage& usage, Nanoseconds now_ns) {
  const auto found = find(key, worker);
  if (found == in_hand_.end()) return;
  const Nanoseconds since = found->second.since_ns;
  const Nanoseconds begin = std::clamp(usage.began_ns, since, std::max(since, now_ns));
  model::ChunkRecord record = record_of(*found);
  record.begin_ns = begin - received_ns_;
  record.end_ns =
      record.begin_ns + std::min(usage.run_ns, std::max(begin, now_ns) - begin);
  in_hand_.erase(found);
  add_to(trace_, record);
}

void ChunkRecorder::ended(const model::ChunkKey& key, std::uint32_t worker,
                          model::ChunkEnd how, Nanoseconds now_ns) {
  const auto found = find(key, worker);
  if (found == in_hand_.end()) return;
  model::ChunkRecord record = record_of(*found);
  record.end_ns = now_ns - received_ns_;
  record.end = how;
  in_hand_.erase(found);
  add_to(trace_, record);
}

void ChunkRecorder::taken_back(std::uint32_t worker) {
  std::erase_if(in_hand_,
                [worker](const auto& one) { return one.second.worker == worker; });
}

model::ChunkTrace ChunkRecorder::trace(Nanoseconds now_ns) const {
  model::ChunkTrace all = trace_;
  for (const auto& in_hand : in_hand_) {
    model::ChunkRecord record = record_of(in_hand);
    record.end_ns = now_ns - received_ns_;
    record.end = model::ChunkEnd::CalledOff;
    add_to(all, record);
  }
  return all;
}

ChunkRecorder::Hands::iterator ChunkRecorder::find(const model::ChunkKey& key,
                                                   std::uint32_t worker) {
  const auto found = in_hand_.find(key.chunk);
  const bool same = found != in_hand_.end() && found->second.worker == worker &&
                    found->second.attempt == key.attempt;
  return same ? found : in_hand_.end();
}

model::ChunkRecord ChunkRecorder::record_of(const Hands::value_type& in_hand) const {
  model::ChunkRecord record;
  record.worker = in_hand.second.worker;
  record.pid = in_hand.second.pid;
  record.chunk = in_hand.first;
  record.attempt = in_hand.second.attempt;
  record.begin_ns = in_hand.second.since_ns - received_ns_;
  return record;
}

}  // namespace tally::job

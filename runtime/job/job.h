// Job: one job in the engine, from submit to its answer.
//
// Plain data with the few steps that belong to one job alone: taking a partial in,
// keeping the account, making the answer. What happens when is the scheduler's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/clock.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"
#include "ipc/model/server_status.h"
#include "runtime/exec/path.h"
#include "runtime/job/chunk_files.h"
#include "runtime/job/chunk_trace.h"
#include "runtime/job/divided_chunk.h"
#include "runtime/job/kept_arrays.h"
#include "runtime/job/kernel_image.h"
#include "runtime/job/kernel_loss.h"
#include "runtime/job/kernel_states.h"
#include "runtime/job/ledger.h"
#include "runtime/job/merged_state.h"
#include "runtime/job/submit_digest.h"
#include "runtime/job/windowed_inspection.h"
#include "runtime/merge/coverage.h"
#include "runtime/merge/merge_tree.h"
#include "runtime/plan/planner.h"
#include "runtime/reduce/quantile_search.h"
#include "runtime/sched/scheduler.h"

namespace tally::job {

// A finished job: its answer, and what a reply needs to complete the times.
struct EndedJob {
  model::JobAnswer answer;
  std::uint32_t uid = 0;
  std::string client_id;
  std::uint64_t request_bytes = 0;     // its answer repeats labels, names, arguments
  Nanoseconds elapsed_ns = 0;          // received to answer ready, without the reply
  Nanoseconds ended_ns = 0;            // on the monotonic clock
  std::string labels;                  // of its reducers, as a list of jobs has them
  std::optional<SubmitDigest> digest;  // as Job's
};

// Who wants to know of a job. Calls come on the loop's thread.
class JobObserver {
 public:
  virtual ~JobObserver() = default;
  virtual void accepted(model::JobId) {}
  // The job was never taken on: an invalid request, or a limit.
  virtual void refused(const Error& why) = 0;
  virtual void ended(const std::shared_ptr<const EndedJob>& job) = 0;
  virtual void progress(const model::JobProgress&) {}
  // Nobody would hear of it any more.
  virtual bool gone() const { return false; }
};

class Job {
 public:
  Job(model::JobId id, model::JobSpec spec, std::shared_ptr<const exec::JobFiles> files,
      std::uint32_t uid, Nanoseconds received_ns);

  const model::JobId id;
  const std::shared_ptr<const model::JobSpec> spec;
  const std::shared_ptr<const exec::JobFiles> files;
  const std::uint32_t uid;
  const Nanoseconds received_ns;

  std::vector<std::shared_ptr<JobObserver>> observers;
  void observe(std::shared_ptr<JobObserver> observer);
  std::uint32_t submitters = 1;  // those that have not left
  bool keep = false;             // its answer is kept for wait and show
  bool wants_progress = false;
  Nanoseconds left_ns = 0;  // when the last of the submitters left
  // What a submit must ask for that comes with the same client id; none: no other may.
  std::unique_ptr<const SubmitDigest> digest;
  std::optional<SubmitDigest> known_digest() const {
    return digest ? std::optional(*digest) : std::nullopt;
  }
  Claim claim;                // what the ledger holds for it
  KeptNumbers kept_arrays{};  // of its input, where that is arrays

  // Of a job whose files come in windows: how they come, what they were when they were
  // inspected, and those that chunks need now.
  struct Windowed {
    std::shared_ptr<FileWindows> files;
    std::shared_ptr<WindowedInspection> inspecting;
    std::shared_ptr<InspectedWindows> inspected;
    std::shared_ptr<ChunkFiles> chunk_files;
  };
  std::unique_ptr<Windowed> windowed;
  void stop_windows() const;  // no more of them; as often as you like

  // Set when planned.
  Nanoseconds plan_started_ns = 0;
  Nanoseconds planned_ns = 0;
  Nanoseconds deadline_ns = 0;  // 0: none
  // The images that the plan's kernels are in, each once.
  std::vector<std::shared_ptr<const KernelImage>> images;
  bool planned() const { return planned_; }
  const plan::Plan& plan() const;
  void set_plan(plan::Plan plan, Nanoseconds now_ns);
  // Of a job that waits behind many: the plan is made again when it is asked for.
  // Precondition: plan_carried() makes it.
  void forget_plan(const plan::PathLimits& limits);

  void dispatched(Nanoseconds now_ns) {
    if (first_dispatch_ns_ == 0) first_dispatch_ns_ = now_ns;
  }
  // Where the spec asks for a trace; what ends a chunk but accept() is told to it.
  std::unique_ptr<ChunkRecorder> recorder;
  // A chunk that keeps killing workers is worked off in parts, one at a time: the part
  // that was given out last, or none for the whole chunk.
  using Part = plan::Plan::Part;
  void give_out(std::uint32_t chunk, const Part& part);
  Part part_of(std::uint32_t chunk) const;
  // Some of its leaves are accounted for, others not yet.
  bool is_divided(std::uint32_t chunk) const {
    return progress().divided.contains(chunk);
  }

  // Checks a partial's coverage. Errors: Internal "coverage_mismatch".
  Result<void> check(const model::Partial& partial) const;
  // Merges an accepted partial. Errors: InvalidData.
  Result<void> accept(model::Partial partial, std::uint32_t slot, std::uint32_t pid,
                      Nanoseconds now_ns);
  // The answer, a partial one, goes without the chunk, or the part of it that was given
  // out last; `why` is what became of the worker that had it.
  void leave_out(std::uint32_t chunk, const Error& why, Nanoseconds now_ns);

  // A job with quantiles reads its input in several rounds (reduce/quantile_search.h);
  // all that is no quantile comes of the first.
  bool has_quantiles() const { return plan().reduction().quantiles() != 0; }
  // The task of a chunk in the round that goes on.
  model::ChunkTask task(const model::ChunkKey& key,
                        std::vector<std::uint32_t>& descriptors) const;
  // A round's chunks were all accepted: does it take another? Errors: Internal
  // "coverage_mismatch"; InvalidData "input_changed".
  Result<bool> next_round();

  // A job with kernels and several chunks, or none, takes a second round, in which a
  // worker merges what the chunks gave.
  bool needs_merge_round() const;
  std::shared_ptr<const KernelStates> kernel_states() const { return kernel_states_; }
  // Of them, what the claim's request bytes count already.
  std::uint64_t& state_bytes_held() { return progress().state_bytes_held; }
  // The task of that round; its only descriptor is the input that it was given.
  model::ChunkTask merge_task(const model::ChunkKey& key) const;
  void give_merge_input(UniqueFd input);
  const std::shared_ptr<const UniqueFd>& merge_input() const {
    return progress().merge_input;
  }
  // Where the kernels' locks and queues live; none unless one wants them.
  const std::shared_ptr<const UniqueFd>& sync_region() const {
    return progress().sync_region;
  }
  Result<void> make_sync_region();  // once; Errors: Io.
  void close_sync_region() const;   // ends all waits in it
  KernelNames kernel_names(const exec::KernelPlace& place) const;
  // Errors: Internal "bad_outputs".
  Result<void> accept_merge(model::Partial partial, std::uint32_t slot,
                            std::uint32_t pid);

  // What a chunk cost that gave no partial: its time counts, its elements do not.
  void charge(const model::ChunkUsage& spent, std::uint32_t slot, std::uint32_t pid);

  std::uint64_t retries = 0;
  // Whether a chunk of it has ended, in whatever way.
  bool has_run() const { return retries != 0 || !progress().usage.empty(); }
  std::uint64_t chunks_done() const { return progress().chunks_done; }
  std::uint64_t done_extent() const { return progress().done_extent; }

  // The answer of a job whose chunks were all accepted or left out; results carry their
  // own errors. Errors: Internal "coverage_mismatch" if the spans do not tile the
  // input; what left it all out, if nothing is covered.
  Result<model::JobAnswer> finish(Nanoseconds now_ns);
  // The answer of a job that ended with an error.
  model::JobAnswer fail(const Error& error, Nanoseconds now_ns) const;

  // How the job stands: an answer without results, in state queued or running.
  model::JobAnswer snapshot(Nanoseconds now_ns, bool running) const;
  std::string labels() const;  // of its reducers, between commas
  model::JobSummary summary(Nanoseconds now_ns, bool running) const;

 private:
  // What has come of it. A job that waits has none of it: there may be very many.
  struct Progress {
    explicit Progress(std::uint32_t chunks) : tree(chunks, merge_state) {}

    merge::MergeTree<MergedState> tree;  // this and the next: of the round that goes on
    merge::Coverage coverage;
    // Of a job with quantiles, from the end of its first round on: what that gave, the
    // search in each column that has one, and what its columns are for this round.
    std::optional<MergedState> first;
    std::vector<std::optional<reduce::QuantileSearch>> searches;
    std::vector<model::ColumnTask> columns;
    std::map<std::uint32_t, model::LeafRange> parts_in_hand;
    std::map<std::uint32_t, DividedChunk> divided;
    // In input order: by file and begin.
    std::map<std::pair<std::uint32_t, std::uint64_t>, model::MissingRange> missing;
    Nanoseconds last_partial_ns = 0;
    std::uint64_t chunks_done = 0;
    std::uint64_t done_extent = 0;
    std::map<std::uint32_t, std::uint64_t> stream_sizes;  // by file, if they ended
    std::uint64_t stream_bytes = 0;
    std::uint64_t cpu_user_ns = 0;
    std::uint64_t cpu_system_ns = 0;
    // By slot and process: a slot whose worker was replaced shows both.
    std::map<std::pair<std::uint32_t, std::uint32_t>, model::WorkerUsage> usage;
    std::map<std::uint32_t, std::uint64_t> anon_by_slot;
    std::shared_ptr<const UniqueFd> merge_input;
    std::shared_ptr<const UniqueFd> sync_region;
    std::uint64_t state_bytes_held = 0;
  };

  Progress& progress();
  const Progress& progress() const;
  void complete(std::uint32_t chunk, const Part& part,
                std::optional<MergedState> state);
  void charge_chunk(const model::Partial& partial, std::uint32_t slot,
                    std::uint32_t pid);
  const std::vector<model::ColumnTask>& columns() const;
  Result<MergedState> take_round();
  void begin_searches();
  void add_quantiles(std::size_t reducer, std::vector<model::ReducerResult>& to) const;
  void add_outputs(std::size_t reducer, std::vector<model::ReducerResult>& to) const;
  model::ElementCounts shown_counts(const MergedState& state) const;
  void stream_came(std::uint32_t file, std::uint64_t size);
  model::ReducerResult result_of(std::size_t index, const MergedState& state) const;
  void put_value(const Result<reduce::FinishedValue>& value,
                 model::ReducerResult& to) const;
  void fill_report(model::JobAnswer& answer, Nanoseconds now_ns) const;
  void fill_times(model::JobTimes& time, bool merged, Nanoseconds now_ns) const;

  bool planned_ = false;
  model::Path path_ = model::Path::Any;  // as planned; these two outlast the plan
  std::uint32_t chunks_ = 0;
  mutable std::unique_ptr<const plan::Plan> plan_;  // none while it is forgotten
  plan::PathLimits limits_;                         // to make it again
  std::unique_ptr<Progress> progress_;
  std::shared_ptr<KernelStates> kernel_states_;
  Nanoseconds first_dispatch_ns_ = 0;
};

// The state that an error ends a job in.
model::JobState state_of(const Error& error);

}  // namespace tally::job

// Engine: the front door of the runtime: submit, watch, cancel, drain.
//
// Ties the pure parts together: inspects and plans jobs, feeds the scheduler, carries
// out what it says on the thread and process paths, merges partials, makes answers. It
// decides nothing that the scheduler could decide.
//
// Usable without the daemon: give it an io_context and run that.
// Threads: one, the io_context's; nothing here blocks (inspection of files happens on
// a small pool of its own). Lifetime: the io_context must outlive it; call stop() and
// run the loop until `stopped` before destroying it, or workers are killed.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ipc/model/server_status.h"
#include "runtime/account/process_memory.h"
#include "runtime/cores.h"
#include "runtime/exec/activity.h"
#include "runtime/exec/chunk_page.h"
#include "runtime/exec/chunk_runner.h"
#include "runtime/exec/process/process_path.h"
#include "runtime/exec/thread/thread_path.h"
#include "runtime/exec/thread/thread_pool.h"
#include "runtime/job/closer.h"
#include "runtime/job/descriptor_room.h"
#include "runtime/job/file_windows.h"
#include "runtime/job/finished_jobs.h"
#include "runtime/job/job.h"
#include "runtime/job/kept_arrays.h"
#include "runtime/job/kernel_lookup.h"
#include "runtime/job/ledger.h"
#include "runtime/log_limit.h"
#include "runtime/sched/scheduler.h"

namespace tally {

struct EngineOptions {
  UsableCores cores;
  std::uint32_t workers = 0;  // 0: one a usable core
  std::uint32_t threads = 64;
  std::uint32_t attempts = 3;
  std::uint32_t retries_per_job = 1000;
  std::chrono::nanoseconds chunk_timeout{0};  // 0: none
  job::KernelPolicy kernels;
  std::uint64_t kernel_memory_bytes = 0;  // private memory of a worker; 0: any
  std::uint64_t kept_array_bytes = 0;     // that workers may keep mapped; 0: none
  std::chrono::nanoseconds kernel_stall{std::chrono::minutes(5)};
  std::chrono::nanoseconds worker_stall{std::chrono::minutes(5)};
  std::uint64_t recycle_chunks = 100'000;           // of a worker's life; 0: any number
  std::uint64_t recycle_growth_bytes = 256U << 20;  // of private memory; 0: any
  exec::SandboxOptions sandbox;
  exec::ZygoteOptions zygote;  // but its sandbox, which is planned at start()
  job::Limits limits{job::kUnlimited, job::kUnlimited};
  std::uint64_t finished_jobs = 1024;
  Nanoseconds finished_age_ns = 600'000'000'000;
  // Answers of attached jobs with a client id are kept for that long; 0: not kept.
  Nanoseconds attached_grace_ns = 0;
  model::DaemonKind kind = model::DaemonKind::Private;
  // One line an event. Jobs that end well, or that their user cancelled or left, are
  // told only if log_jobs is set; of the others at most 100 a second unless it is.
  std::function<void(const std::string&)> log = [](const std::string&) {};
  bool log_jobs = false;
  // Called after a path's news were handled: replies may be sent at once.
  std::function<void()> turn_ended = [] {};
};

struct Submission {
  model::JobSpec spec;
  std::vector<UniqueFd> fds;
  std::uint32_t uid = 0;
  Nanoseconds received_ns = 0;
  bool keep = false;  // the answer, for later wait and show
  bool wants_progress = false;
  std::uint64_t bytes = 0;    // of the request: what holding it costs, about
  std::uint64_t session = 0;  // from open_session()
  std::shared_ptr<job::FileWindows> windows;  // where the source is windowed
  // A trial of ours, not a job of anybody: no limit holds for it, no list, total or log
  // shows it, nobody waits for it to drain. It has a slot to itself.
  bool canary = false;
};

class Engine {
 public:
  Engine(asio::io_context& loop, EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Errors: NotFound "no_worker_program", "no_such_kernel_file", InvalidArgument
  // "not_a_kernel", Io.
  Result<void> start();

  // Takes a job on, or refuses it; the observer is told either way, possibly before
  // this returns. The id names it from now on. Where the uid has a job with the spec's
  // client id, alive or kept, an equal submit gets that job, and another is refused.
  model::JobId submit(Submission submission,
                      std::shared_ptr<job::JobObserver> observer);

  // Adds an observer to a job that has not ended. False if there is none.
  bool watch(std::uint64_t job, std::shared_ptr<job::JobObserver> observer);
  // A kept answer; nullptr if there is none (any more).
  std::shared_ptr<const job::EndedJob> ended(std::uint64_t job);
  // Ends a job with `reason`; false if it has ended or never was.
  bool cancel(std::uint64_t job, const Error& reason);
  // The owner of a job that has not ended.
  std::optional<std::uint32_t> owner(std::uint64_t job) const;
  // The job, alive or kept, that this uid gave the id itself.
  std::optional<std::uint64_t> find_client_id(const std::string& client_id,
                                              std::uint32_t uid);
  // One of those who submitted the job has left. None: it has ended, or others are
  // there.
  struct Left {
    Nanoseconds at_ns = 0;
    std::string client_id;  // it can be submitted again by that; empty: it cannot
  };
  std::optional<Left> leave(std::uint64_t job);
  // When the last of them left; 0: one is there, or the job has ended.
  Nanoseconds left_ns(std::uint64_t job) const;
  // Whether a job that has not ended was ever given to a slot.
  bool started(std::uint64_t job) const { return scheduler_.started(job); }
  // Of the threads or of the workers; the inline path does nothing unwatched.
  exec::Activity activity(model::Path path) const;
  // Why the workers are of little use; empty: they are fine.
  std::string degraded() const { return processes_->degraded(); }
  // How a job that has not ended stands.
  std::optional<job::EndedJob> snapshot(std::uint64_t job) const;

  // The plan of a job, which is not run. `planned` is called once.
  // Counts as a job against the limits meanwhile.
  using Planned = std::function<void(Result<model::JobPlan>)>;
  void explain(Submission submission, Planned planned);

  // What is in these files and in those that the administrator installed. `listed` is
  // called once.
  using Listed = std::function<void(Result<std::vector<model::ListedKernel>>)>;
  void list_kernels(std::uint32_t uid, std::vector<model::KernelFile> kernels,
                    std::vector<UniqueFd> fds, Listed listed);

  // Those that have not ended and those still kept, by number.
  std::vector<model::JobSummary> list() const;
  // Reads other processes' memory on a pool thread, then calls `ready`.
  // One reading serves all who ask meanwhile.
  using StatusReady =
      std::function<void(const std::shared_ptr<const model::ServerStatus>&)>;
  void status(StatusReady ready);

  // A client's connection: what it passes again and again is kept for it until it ends.
  std::uint64_t open_session() { return ++sessions_; }
  void close_session(std::uint64_t session);

  // Closes what a client sent and nobody took, off the loop's thread.
  void close_later(std::vector<UniqueFd> fds) { closer_->close(std::move(fds)); }
  // Whoever brings descriptors should not bring more now: too many wait to be closed.
  bool closing_is_behind() const { return closer_->is_behind(); }

  // Refuses new jobs; `idle` is called once no job is left.
  void drain(std::function<void()> idle);
  bool draining() const { return draining_; }
  // Cancels what is left and ends the workers; `stopped` is called when none is left.
  void stop(std::function<void()> stopped);

  // As EngineOptions::log_jobs, from now on.
  void log_jobs(bool on) { log_jobs_ = on; }

  std::uint64_t tag() const { return tag_; }
  std::uint64_t jobs() const { return jobs_.size() - canaries_; }

 private:
  static constexpr std::size_t kManyJobs = 10'000;  // whose memory is worth some work

  // Gives each path's events their lane.
  class LaneEvents;
  struct PendingEvent {
    sched::Event event;
    std::optional<model::Partial> partial;  // of a ChunkDone
    std::uint32_t pid = 0;
    Nanoseconds now_ns = 0;  // when it happened; 0: now, and a clock is to be asked
  };
  using JobPtr = std::unique_ptr<job::Job>;

  // Numbers of their own: those of jobs have no gaps.
  static constexpr std::uint64_t kFirstCanary = std::uint64_t{1} << 63;
  static bool is_canary(std::uint64_t job) { return job >= kFirstCanary; }

  static job::Claim claim_of(const Submission& submission);
  std::optional<Error> refusal(const Submission& submission, const job::Claim& claim,
                               Nanoseconds now_ns) const;
  std::shared_ptr<const job::EndedJob> kept(std::uint32_t uid,
                                            const std::string& client_id);
  std::optional<model::JobId> submit_again(
      const Submission& submission, const std::optional<job::SubmitDigest>& digest,
      const std::shared_ptr<job::JobObserver>& observer);
  std::optional<Error> window_refusal(const Submission& submission) const;
  plan::PathLimits limits() const;
  static bool needs_inspection(const model::JobSpec& spec);
  job::KeptNumbers use_arrays(const Submission& submission, const job::Claim& claim,
                              Nanoseconds now_ns);
  void done_with_arrays(const job::KeptNumbers& numbers);
  void forget_arrays(const std::vector<std::uint64_t>& numbers);
  void look_at_arrays_later();
  void plan_job(job::Job& job);
  void plan_with(job::Job& job, const job::FoundKernels& found);
  void inspect_job(job::Job& job, plan::Reduction reduction, plan::PathChoice choice);
  void explain_with(const std::shared_ptr<Submission>& held,
                    std::shared_ptr<const exec::JobFiles> files,
                    const job::FoundKernels& found, Planned planned);
  void expire_unplanned(job::Job& job);
  void describe(std::shared_ptr<const job::KernelImage> image, std::uint32_t uid);
  void limit_description(std::uint64_t number);
  void inspect_windows(job::Job& job, plan::Reduction reduction,
                       plan::PathChoice choice);
  void explain_windows(const std::shared_ptr<Submission>& held,
                       std::shared_ptr<const exec::JobFiles> files,
                       plan::Reduction reduction, plan::PathChoice choice,
                       Planned planned);
  void open_chunk_files(std::uint64_t number);
  void planned(job::Job& job, Result<plan::Plan> plan);
  void schedule(job::Job& job);
  void give_back(const job::Claim& claim, Nanoseconds now_ns);
  void hold_more(job::Job& job, const job::Amounts& more, Nanoseconds now_ns);
  void refuse(std::uint64_t number, const Error& why);

  void feed(PendingEvent event);
  void handle(PendingEvent& cause);
  void perform(const std::vector<sched::Action>& actions, PendingEvent& cause);
  void dispatch(const sched::Action* first, std::size_t count, Nanoseconds now);
  void run_inline(const job::Job& job, const model::ChunkKey& key, Nanoseconds now_ns);
  exec::Assignment assignment(job::Job& job, const model::ChunkKey& key);
  exec::Assignment description(const job::KernelImage& image,
                               const model::ChunkKey& key) const;
  void accept(const model::ChunkKey& key, PendingEvent& cause);
  void leave_out(const sched::Missing& missing);
  std::uint64_t divisible_leaves(const model::ChunkKey& running,
                                 const exec::KernelPlace& place,
                                 const Error& cause) const;
  void round_done(std::uint64_t number);
  void merge_round(const job::Job& job);
  void counting_round(job::Job& job);
  // Or is it a merge of what kernels gave?
  static bool reads_input(const job::Job& job, const model::ChunkKey& key) {
    return key.round == 0 || job.has_quantiles();
  }
  std::optional<Error> hold_states(job::Job& job);
  Error told(Error cause, const model::ChunkKey& running,
             const exec::KernelPlace& place) const;
  void lost(sched::SlotId slot, const std::optional<model::ChunkKey>& running);
  void gone(sched::SlotId slot, model::StopMeans ended_by);
  void outcome(sched::SlotId slot, model::ChunkOutcome outcome, std::uint32_t pid,
               Nanoseconds now_ns);
  void finish(const sched::Finish& action);
  void end(std::uint64_t number, const std::optional<Error>& why);
  bool stop_running(job::Job& job, const std::optional<Error>& why);
  void settled(sched::SlotId slot, std::uint64_t number, model::StopMeans means);
  void leave_behind(std::uint64_t number);
  std::optional<model::Stopped> take_stopped(std::uint64_t number);
  bool has_started(std::uint64_t number) const;
  void finish_with_pss(JobPtr job, model::JobAnswer answer, Nanoseconds elapsed_ns);
  JobPtr take(std::uint64_t number);
  void deliver(JobPtr job, model::JobAnswer answer, Nanoseconds elapsed_ns,
               Nanoseconds now_ns);
  void end_unplanned(std::uint64_t number, const Error& why);
  void log_end(const job::Job& job, const model::JobAnswer& answer,
               Nanoseconds elapsed_ns);
  void count_end(model::JobState state);
  void idle_if_empty();
  void read_status();
  model::ServerStatus known_status();
  void save_memory(std::uint64_t number);
  void trim_if_few();
  void arm_deadline();
  void arm_progress();
  void send_progress();
  exec::ExecutionPath& path(sched::Lane lane);
  job::Job* find(std::uint64_t number) const;

  asio::io_context& loop_;
  const EngineOptions options_;
  const Result<exec::SandboxPlan> sandbox_;
  const std::uint64_t tag_;
  const std::uint32_t pid_;  // a system call each time it is asked for
  const Nanoseconds started_ns_;
  std::uint64_t next_number_ = 1;
  std::uint64_t next_canary_ = kFirstCanary;

  sched::Scheduler scheduler_;
  Nanoseconds now_ns_ = 0;  // of the event that was handled last
  // Kept between events: no allocation each.
  std::vector<PendingEvent> events_;  // that came while one was handled
  bool feeding_ = false;
  std::vector<sched::Action> actions_;

  std::unordered_map<std::uint64_t, JobPtr> jobs_;
  std::uint64_t canaries_ = 0;                                    // of them
  std::map<sched::SlotNumber, std::uint64_t> answered_canaries_;  // by worker
  // Images that a worker is looking into, each by a chunk with a number of its own.
  struct Description {
    std::shared_ptr<const job::KernelImage> image;
    std::unique_ptr<asio::steady_timer> timer;  // runs while a worker has it
  };
  std::unordered_map<std::uint64_t, Description> described_;
  std::vector<std::vector<model::KernelInfo>> found_in_image_;  // of the last one
  std::map<std::pair<std::uint32_t, std::string>, std::uint64_t> client_ids_;  // alive
  job::FinishedJobs finished_;
  job::FinishedJobs unclaimed_;  // of attached jobs: their client may not have them yet
  const std::shared_ptr<job::Ledger> ledger_;
  const std::shared_ptr<job::DescriptorRoom> room_;
  const std::shared_ptr<job::Closer> closer_ = std::make_shared<job::Closer>();
  std::uint64_t explaining_ = 0;  // plans being made that are no jobs
  std::uint64_t delivering_ = 0;  // ended, but for the sampling of memory
  // Deadlines of jobs whose input is being inspected.
  std::unordered_map<std::uint64_t, std::unique_ptr<asio::steady_timer>> inspections_;
  std::uint64_t finished_count_ = 0;
  model::Totals totals_;
  // The jobs of the chunks that each slot has in hand, once for each chunk.
  std::map<sched::SlotId, std::vector<std::uint64_t>> hands_;

  // Jobs that the scheduler has ended before their time, and chunks of which still run.
  struct Stopping {
    Error why;
    Nanoseconds since_ns = 0;
    std::set<sched::SlotId> slots;  // that work on it
    model::StopMeans how = model::StopMeans::NotStarted;
    std::unique_ptr<asio::steady_timer> timer;
  };
  std::unordered_map<std::uint64_t, Stopping> stopping_;
  bool stopping_all_ = false;  // the engine ends: no answer waits any more

  std::unique_ptr<LaneEvents> thread_events_;
  std::unique_ptr<LaneEvents> process_events_;
  exec::ChunkPage inline_page_;
  exec::ChunkRunner inline_runner_{inline_page_};
  std::vector<StatusReady> status_waiters_;
  bool reading_status_ = false;
  account::MemoryGauge gauge_;
  asio::steady_timer deadline_timer_;
  std::optional<Nanoseconds> armed_deadline_ns_;
  asio::steady_timer progress_timer_;
  bool progress_armed_ = false;
  asio::steady_timer trim_timer_;
  std::uint64_t sessions_ = 0;  // that were opened
  job::KeptArrays arrays_;
  asio::steady_timer arrays_timer_;
  bool arrays_armed_ = false;
  bool trim_armed_ = false;
  std::size_t most_jobs_seen_ = 0;  // at a time, since memory was given back
  bool draining_ = false;
  bool log_jobs_ = options_.log_jobs;
  LogLimit endings_;
  std::function<void()> idle_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for posts back

  std::unique_ptr<exec::ThreadPath> threads_;
  std::unique_ptr<exec::ProcessPath> processes_;
  exec::ThreadPool gauges_;   // other processes' memory
  exec::ThreadPool helpers_;  // inspection; joined first
  job::KernelLookup kernels_;
};

}  // namespace tally

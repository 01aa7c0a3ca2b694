#include "runtime/job/job.h"

#include <algorithm>
#include <concepts>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "ipc/base/check.h"
#include "ipc/base/float_environment.h"
#include "ipc/sync/region.h"
#include "runtime/job/planning.h"
#include "runtime/plan/quantile_plan.h"
#include "runtime/reduce/reducers.h"

namespace tally::job {
namespace {

// The counts of the column that lost most.
void least_kept(model::ElementCounts& least, const model::ElementCounts& counts) {
  if (counts.kept < least.kept) least = counts;
}

Error kernel_miscounted(const std::string& kernel, const model::ElementCounts& counts,
                        std::uint64_t rows) {
  return Error(Errc::Internal, "coverage_mismatch",
               "of " + std::to_string(rows) + " rows kernel " + kernel + " was given " +
                   std::to_string(counts.kept) + ", " + std::to_string(counts.missing) +
                   " were missing and " + std::to_string(counts.filtered) +
                   " filtered, of " + std::to_string(counts.seen) + " seen")
      .with("kernel", kernel);
}

// Without its value.
model::ReducerResult result_for(const model::ReducerSpec& spec) {
  model::ReducerResult result;
  result.label = spec.label;
  result.reducer = spec.name;
  result.args = spec.args;
  result.column = spec.column;
  return result;
}

// Where the stream of a partial ended.
std::uint64_t stream_end(const model::Partial& partial) {
  return partial.spans.empty() ? 0 : partial.spans.front().end;
}

}  // namespace

Job::Job(model::JobId job_id, model::JobSpec job_spec,
         std::shared_ptr<const exec::JobFiles> opened, std::uint32_t owner,
         Nanoseconds received)
    : id(job_id),
      spec(std::make_shared<const model::JobSpec>(std::move(job_spec))),
      files(std::move(opened)),
      uid(owner),
      received_ns(received) {
  if (spec->trace) recorder = std::make_unique<ChunkRecorder>(received);
}

// Clients come and go while a job lives: those that are gone make room for others.
void Job::observe(std::shared_ptr<JobObserver> observer) {
  if (observers.size() == observers.capacity())
    std::erase_if(observers, [](const auto& one) { return one->gone(); });
  observers.push_back(std::move(observer));
}

void Job::set_plan(plan::Plan plan, Nanoseconds now_ns) {
  plan_ = std::make_unique<const plan::Plan>(std::move(plan));
  planned_ = true;
  path_ = plan_->choice().path;
  chunks_ = plan_->chunks();
  if (const std::size_t kernels = plan_->reduction().kernels.size(); kernels > 0)
    kernel_states_ = std::make_shared<KernelStates>(kernels);
  planned_ns = now_ns;
}

void Job::forget_plan(const plan::PathLimits& limits) {
  limits_ = limits;
  plan_.reset();
}

const plan::Plan& Job::plan() const {
  if (plan_) return *plan_;
  Result<plan::Plan> again = plan_carried(*spec, files->size(), limits_);
  TALLY_CHECK(again);  // it was made once from the same
  plan_ = std::make_unique<const plan::Plan>(*std::move(again));
  return *plan_;
}

Job::Progress& Job::progress() {
  if (!progress_) progress_ = std::make_unique<Progress>(chunks_);
  return *progress_;
}

const Job::Progress& Job::progress() const {
  static const auto& kNone = *new Progress(0);  // outlives a host's exit()
  return progress_ ? *progress_ : kNone;
}

Result<void> Job::make_sync_region() {
  if (sync_region()) return {};
  const auto& infos = plan().reduction().kernel_infos;
  if (std::none_of(infos.begin(), infos.end(),
                   [](const auto& one) { return one.sync; }))
    return {};
  Result<UniqueFd> region = sync::Region::create({});
  if (!region) return std::move(region).error();
  progress().sync_region = std::make_shared<const UniqueFd>(*std::move(region));
  return {};
}

void Job::close_sync_region() const {
  if (!sync_region()) return;
  // One that a kernel has damaged cannot be closed; who waits in it is killed then.
  if (const auto region = sync::Region::map(sync_region()->get())) (*region)->close();
}

bool Job::needs_merge_round() const {
  return kernel_states_ != nullptr && plan().chunks() != 1;
}

model::ChunkTask Job::merge_task(const model::ChunkKey& key) const {
  model::ChunkTask task;
  task.key = key;
  task.type = plan().type();
  task.columns = plan().reduction().columns;
  task.kernels = plan().reduction().kernels;
  task.finish_kernels = true;
  task.piece = model::MergePiece{0, kernel_states_->merge_input_bytes(),
                                 kernel_states_->levels()};
  return task;
}

void Job::give_merge_input(UniqueFd input) {
  progress().merge_input = std::make_shared<const UniqueFd>(std::move(input));
}

// What the words of a page stand for; they come from a worker that died.
KernelNames Job::kernel_names(const exec::KernelPlace& place) const {
  KernelNames names;
  if (place.call == exec::KernelCall::Load) {
    if (place.kernel < images.size()) names.image = images[place.kernel]->name;
    return names;
  }
  const auto& kernels = plan().reduction().kernels;
  if (place.kernel < kernels.size()) {
    names.kernel = kernels[place.kernel].kernel;
    names.image = kernels[place.kernel].image_name;
  }
  if (plan().has_files() && place.file < plan().files())
    names.file = plan().file_name(place.file);
  return names;
}

void Job::give_out(std::uint32_t chunk, const Part& part) {
  if (part)
    progress().parts_in_hand[chunk] = *part;
  else if (progress_)
    progress_->parts_in_hand.erase(chunk);
}

Job::Part Job::part_of(std::uint32_t chunk) const {
  const auto found = progress().parts_in_hand.find(chunk);
  return found == progress().parts_in_hand.end() ? Part() : Part(found->second);
}

Result<void> Job::check(const model::Partial& partial) const {
  const Part part = part_of(partial.key.chunk);
  merge::ExpectedChunk expected;
  expected.columns = columns();
  expected.spans = plan().spans(partial.key.chunk, part);
  expected.elements = plan().elements(partial.key.chunk, part);
  expected.stream = plan().stream_of(partial.key.chunk);
  if (expected.stream && !plan().in_bytes()) expected.elements = stream_end(partial);
  if (Result<void> covered = merge::check_partial(partial, expected); !covered)
    return covered;
  const auto& kernels = plan().reduction().kernels;
  if (partial.kernels.size() != kernels.size())
    return Error(Errc::Internal, "coverage_mismatch",
                 "a partial has the states of " +
                     std::to_string(partial.kernels.size()) + " kernels, not of " +
                     std::to_string(kernels.size()));
  const std::uint64_t rows = partial.columns.front().counts.seen;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const model::ElementCounts& counts = partial.kernels[i].counts;
    if (counts.seen != rows ||
        counts.kept + counts.missing + counts.filtered != counts.seen)
      return kernel_miscounted(kernels[i].kernel, counts, rows);
  }
  return {};
}

Result<void> Job::accept(model::Partial partial, std::uint32_t slot, std::uint32_t pid,
                         Nanoseconds now_ns) {
  const Part part = part_of(partial.key.chunk);
  Result<MergedState> state = read_state(partial, columns(), plan().type());
  if (!state) return std::move(state).error();
  if (kernel_states_) {
    if (Result<void> added = kernel_states_->add(partial, plan().level(part)); !added)
      return added;
    if (plan().chunks() == 1)
      if (Result<void> done = kernel_states_->finished(std::move(partial.outputs));
          !done)
        return done;
  }
  if (recorder) recorder->done(partial.key, slot, partial.usage, now_ns);
  progress().coverage.add(partial.spans);
  progress().last_partial_ns = now_ns;
  if (partial.key.round == 0)
    progress().done_extent += plan().chunk_extent(partial.key.chunk, part);
  if (const auto stream = plan().stream_of(partial.key.chunk))
    stream_came(*stream, stream_end(partial));
  complete(partial.key.chunk, part, *std::move(state));
  charge_chunk(partial, slot, pid);
  return {};
}

void Job::leave_out(std::uint32_t chunk, const Error& why, Nanoseconds now_ns) {
  const Part part = part_of(chunk);
  const std::vector<model::Span> spans = plan().spans(chunk, part);
  progress().coverage.add(spans);
  const Error told = why.without("output");  // the log has it; there may be many
  for (const model::Span& span : spans) {
    std::optional<std::string> file;
    if (plan().has_files()) file = plan().file_name(span.file);
    progress().missing.insert_or_assign(
        {span.file, span.begin},
        model::MissingRange{file, span.begin, span.end, plan().in_bytes(), told});
  }
  if (spans.empty()) {  // of a file without a byte, which is a chunk all the same
    const std::uint32_t file = plan().files_of(chunk).front();
    progress().missing.insert_or_assign(
        {file, 0},
        model::MissingRange{plan().file_name(file), 0, 0, plan().in_bytes(), told});
  }
  progress().last_partial_ns = now_ns;
  complete(chunk, part, std::nullopt);
}

// Parts of a chunk wait for each other; the tree takes whole chunks.
void Job::complete(std::uint32_t chunk, const Part& part,
                   std::optional<MergedState> state) {
  if (part) {
    DividedChunk& divided = progress().divided[chunk];
    if (state)
      divided.add(*part, *std::move(state));
    else
      divided.leave_out(*part);
    if (divided.leaves() < plan().divisible_leaves(chunk)) return;
    state = divided.take();
    progress().divided.erase(chunk);
  }
  if (!state) state = empty_state(columns(), plan().type());
  progress().parts_in_hand.erase(chunk);
  if (!progress().first) ++progress().chunks_done;
  progress().tree.add(chunk, *std::move(state));
  if (windowed)
    windowed->chunk_files->done(chunk);  // no part of it needs them any more
}

Result<void> Job::accept_merge(model::Partial partial, std::uint32_t slot,
                               std::uint32_t pid) {
  charge(partial.usage, slot, pid);
  return kernel_states_->finished(std::move(partial.outputs));
}

void Job::charge_chunk(const model::Partial& partial, std::uint32_t slot,
                       std::uint32_t pid) {
  charge(partial.usage, slot, pid);
  if (partial.key.round != 0) return;  // each element is told of once
  model::WorkerUsage& usage = progress().usage[{slot, pid}];
  if (!is_divided(partial.key.chunk)) ++usage.chunks;  // parts are none
  usage.elements += partial.columns.front().counts.seen;
}

void Job::stop_windows() const {
  if (!windowed) return;
  windowed->files->close();
  if (windowed->chunk_files) windowed->chunk_files->stop();
}

void Job::charge(const model::ChunkUsage& spent, std::uint32_t slot,
                 std::uint32_t pid) {
  progress().cpu_user_ns += spent.cpu_user_ns;
  progress().cpu_system_ns += spent.cpu_system_ns;
  model::WorkerUsage& usage = progress().usage[{slot, pid}];
  usage.worker = slot;
  usage.pid = pid;
  usage.run_ns += spent.run_ns;
  usage.cpu_ns += spent.cpu_user_ns + spent.cpu_system_ns;
  if (spent.peak_rss_bytes)
    usage.peak_rss_bytes =
        std::max(usage.peak_rss_bytes.value_or(0), *spent.peak_rss_bytes);
  if (spent.anon_bytes) progress().anon_by_slot[slot] = *spent.anon_bytes;
}

void Job::stream_came(std::uint32_t file, std::uint64_t size) {
  progress().stream_sizes[file] = size;
  progress().done_extent += size;
  progress().stream_bytes +=
      plan().in_bytes() ? size : size * model::size_of(plan().type());
}

const std::vector<model::ColumnTask>& Job::columns() const {
  return progress().first ? progress().columns : plan().reduction().columns;
}

model::ChunkTask Job::task(const model::ChunkKey& key,
                           std::vector<std::uint32_t>& descriptors) const {
  model::ChunkTask task = plan().task(*spec, key, part_of(key.chunk), descriptors);
  task.columns = columns();
  return task;
}

// What all chunks of the round gave, once it is known that they cover the input.
Result<MergedState> Job::take_round() {
  std::vector<std::uint64_t> sizes = plan().file_sizes();
  for (const auto& [file, size] : progress().stream_sizes) sizes[file] = size;
  if (Result<void> tiled = progress().coverage.covers_exactly(sizes); !tiled)
    return std::move(tiled).error();
  std::optional<MergedState> merged = progress().tree.take();
  if (merged) return *std::move(merged);
  if (plan().chunks() == 0) return empty_state(columns(), plan().type());
  return Error(Errc::Internal, "coverage_mismatch",
               "the job ended before all of its partials were merged");
}

void Job::begin_searches() {
  const plan::Reduction& reduction = plan().reduction();
  for (auto& wanted : plan::quantiles_by_column(reduction)) {
    auto& search = progress().searches.emplace_back();
    if (!wanted.empty())
      search.emplace(plan().type(), std::move(wanted),
                     reduce::kept_of_each(reduction.quantiles()));
  }
}

Result<bool> Job::next_round() {
  Result<MergedState> round = take_round();
  if (!round) return std::move(round).error();
  if (!progress().first) begin_searches();
  // Without the pairs, which the first round has summed.
  std::vector<model::ColumnTask> next(model::input_columns(columns()));
  bool more = false;
  for (std::size_t i = 0; i < next.size(); ++i) {
    const std::size_t windows = columns()[i].windows.size();
    if (windows == 0) continue;
    reduce::QuantileSearch& search = *progress().searches[i];
    const MergedColumn& column = (*round)[i];
    const auto states = std::span(column.states).last(windows);
    if (Result<void> ok = search.narrow(states, column.counts.kept); !ok)
      return std::move(ok).error();
    next[i].windows.assign(search.windows().begin(), search.windows().end());
    more = more || !search.done();
  }
  if (!progress().first) progress().first = *std::move(round);
  progress().columns = std::move(next);
  progress().coverage = {};
  return more;
}

Result<model::JobAnswer> Job::finish(Nanoseconds now_ns) {
  const FloatEnvironment exact;
  std::optional<MergedState> merged = std::move(progress().first);
  if (!merged) {
    Result<MergedState> round = take_round();
    if (!round) return std::move(round).error();
    merged = *std::move(round);
  }
  const MergedState state = *std::move(merged);
  if (!progress().missing.empty() && state.front().counts.seen == 0)
    return Error(progress().missing.begin()->second.error)
        .within("nothing of the input could be covered");
  model::JobAnswer answer;
  answer.state =
      progress().missing.empty() ? model::JobState::Done : model::JobState::Partial;
  for (const auto& [place, range] : progress().missing) answer.missing.push_back(range);
  answer.results.reserve(spec->reducers.size());
  for (std::size_t i = 0; i < spec->reducers.size(); ++i) {
    if (plan().reduction().reducers[i].kernel)
      add_outputs(i, answer.results);
    else if (!plan().reduction().reducers[i].quantiles.empty())
      add_quantiles(i, answer.results);
    else
      answer.results.push_back(result_of(i, state));
  }
  answer.elements = shown_counts(state);
  fill_report(answer, now_ns);
  return answer;
}

model::JobAnswer Job::fail(const Error& error, Nanoseconds now_ns) const {
  model::JobAnswer answer;
  answer.state = state_of(error);
  answer.error = error;
  fill_report(answer, now_ns);
  return answer;
}

model::JobAnswer Job::snapshot(Nanoseconds now_ns, bool running) const {
  model::JobAnswer answer;
  answer.state = running ? model::JobState::Running : model::JobState::Queued;
  fill_report(answer, now_ns);
  answer.trace.reset();  // is told at the end
  return answer;
}

model::ElementCounts Job::shown_counts(const MergedState& state) const {
  if (state.empty()) return {};
  model::ElementCounts least = state.front().counts;
  for (const MergedColumn& column : state) least_kept(least, column.counts);
  if (kernel_states_)
    for (const model::ElementCounts& counts : kernel_states_->counts())
      least_kept(least, counts);
  return least;
}

// A kernel may answer several values: label.sub each.
void Job::add_outputs(std::size_t index, std::vector<model::ReducerResult>& to) const {
  const model::ReducerSpec& wanted = spec->reducers[index];
  const std::uint32_t kernel = *plan().reduction().reducers[index].kernel;
  for (const model::KernelOutput& output : kernel_states_->outputs()[kernel]) {
    model::ReducerResult result = result_for(wanted);
    if (!output.label.empty()) result.label += "." + output.label;
    if (const auto* error = std::get_if<Error>(&output.value))
      result.error = *error;
    else if (const auto* integer = std::get_if<Int128>(&output.value))
      result.value = *integer;
    else if (const auto* f64 = std::get_if<double>(&output.value))
      result.value = *f64;
    else if (const auto* f32 = std::get_if<float>(&output.value))
      result.value = *f32;
    else
      result.value = std::get<std::string>(output.value);
    to.push_back(std::move(result));
  }
}

// One result for each q.
void Job::add_quantiles(std::size_t index,
                        std::vector<model::ReducerResult>& to) const {
  const model::ReducerSpec& wanted = spec->reducers[index];
  const auto& reducers = plan().reduction().reducers;
  const plan::PlannedReducer& planned = reducers[index];
  std::size_t first = 0;  // among those of the column
  for (std::size_t i = 0; i < index; ++i)
    if (reducers[i].column == planned.column) first += reducers[i].quantiles.size();
  for (std::size_t i = 0; i < planned.quantiles.size(); ++i) {
    const model::ReducerSpec one =
        reduce::one_of_quantiles(wanted, i, planned.quantiles.size());
    model::ReducerResult result = result_for(one);
    put_value(progress().searches[planned.column]->value(first + i), result);
    to.push_back(std::move(result));
  }
}

model::ReducerResult Job::result_of(std::size_t index, const MergedState& state) const {
  const model::ReducerSpec& wanted = spec->reducers[index];
  const plan::PlannedReducer& planned = plan().reduction().reducers[index];
  const MergedColumn& column = state[planned.column];
  model::ElementCounts counts = column.counts;
  if (planned.counts_rows) counts.kept = counts.seen;

  model::ReducerResult result = result_for(wanted);
  reduce::FinishInput input;
  input.type = plan().type();
  input.counts = &counts;
  input.states = column.states;
  input.args = wanted.args;
  if (planned.histogram)
    input.histogram =
        column
            .states[plan().reduction().columns[planned.column].families.size() +
                    *planned.histogram]
            .get();
  put_value(reduce::finish(*reduce::find_reducer(wanted.name), input), result);
  return result;
}

// Positions get the name of their file.
void Job::put_value(const Result<reduce::FinishedValue>& value,
                    model::ReducerResult& to) const {
  if (!value) {
    to.error = value.error();
    return;
  }
  std::visit(
      [&](const auto& one) {
        if constexpr (std::same_as<decltype(one), const reduce::Position&>) {
          model::ElementIndex where{std::nullopt, one.index};
          if (plan().has_files()) where.file = plan().file_name(one.file);
          to.value = std::move(where);
        } else {
          to.value = one;
        }
      },
      *value);
}

void Job::fill_report(model::JobAnswer& answer, Nanoseconds now_ns) const {
  answer.id = id;
  answer.retries = retries;
  const bool merged =
      answer.state == model::JobState::Done || answer.state == model::JobState::Partial;
  fill_times(answer.time, merged, now_ns);
  for (const auto& [key, usage] : progress().usage) {
    answer.worker_usage.push_back(usage);
    if (usage.peak_rss_bytes)
      answer.memory.peak_rss_bytes =
          std::max(answer.memory.peak_rss_bytes.value_or(0), *usage.peak_rss_bytes);
  }
  for (const auto& [slot, anon] : progress().anon_by_slot)
    answer.memory.workers_anon_bytes =
        answer.memory.workers_anon_bytes.value_or(0) + anon;
  if (recorder) answer.trace = recorder->trace(now_ns);
  if (!planned_) return;
  answer.path = plan().choice().path;
  answer.reason = plan().choice().reason;
  answer.workers = plan().parallel();
  answer.chunks = plan().chunks();
  for (const model::KernelTask& kernel : plan().reduction().kernels)
    answer.kernels.push_back({kernel.kernel, kernel.image_name, kernel.image});
  answer.memory.input_bytes = plan().input_bytes() + progress().stream_bytes;
}

// queue is what passed before the first dispatch, but for planning; run lasts to the
// last partial, merge is what remains of merging after it. A job that is not done runs
// until now.
void Job::fill_times(model::JobTimes& time, bool merged, Nanoseconds now_ns) const {
  time.cpu_user_ns = progress().cpu_user_ns;
  time.cpu_system_ns = progress().cpu_system_ns;
  if (planned_ns != 0) time.plan_ns = planned_ns - plan_started_ns;
  const Nanoseconds started = first_dispatch_ns_ != 0 ? first_dispatch_ns_ : now_ns;
  time.queue_ns = started - received_ns - time.plan_ns;
  if (first_dispatch_ns_ == 0) return;
  const Nanoseconds last = merged ? progress().last_partial_ns : now_ns;
  time.run_ns = last - first_dispatch_ns_;
  time.merge_ns = now_ns - last;
}

std::string Job::labels() const {
  std::string labels;
  for (const model::ReducerSpec& reducer : spec->reducers)
    labels += (labels.empty() ? "" : ",") + reducer.label;
  return labels;
}

model::JobSummary Job::summary(Nanoseconds now_ns, bool running) const {
  model::JobSummary summary;
  summary.id = id;
  summary.state = running ? model::JobState::Running : model::JobState::Queued;
  summary.uid = uid;
  summary.reducers = labels();
  summary.path = path_;
  summary.chunks = chunks_;
  summary.chunks_done = progress().chunks_done;
  summary.age_ns = now_ns - received_ns;
  return summary;
}

model::JobState state_of(const Error& error) {
  switch (error.errc()) {
    case Errc::Cancelled: return model::JobState::Cancelled;
    case Errc::DeadlineExceeded: return model::JobState::Expired;
    case Errc::Overloaded:
    case Errc::PermissionDenied: return model::JobState::Refused;
    default: return model::JobState::Failed;
  }
}

}  // namespace tally::job

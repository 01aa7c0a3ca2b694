#include "ipc/codec/job_codec.h"

#include <bit>
#include <utility>

#include "ipc/codec/kernel_codec.h"
#include "ipc/codec/source_codec.h"

namespace tally::ipc {
namespace {

void write_texts(capnp::List<capnp::Text>::Builder to,
                 const std::vector<std::string>& texts) {
  for (unsigned i = 0; i < to.size(); ++i) to.set(i, to_text(texts[i]));
}

std::vector<std::string> read_texts(capnp::List<capnp::Text>::Reader from) {
  std::vector<std::string> texts;
  texts.reserve(from.size());
  for (const auto text : from) texts.push_back(from_text(text));
  return texts;
}

void write_reducer(schema::ReducerSpec::Builder to, const model::ReducerSpec& spec) {
  to.setName(to_text(spec.name));
  if (!spec.args.empty())
    write_texts(to.initArgs(static_cast<unsigned>(spec.args.size())), spec.args);
  to.setColumn(to_text(spec.column));
  to.setLabel(to_text(spec.label));
}

model::ReducerSpec read_reducer(schema::ReducerSpec::Reader from) {
  model::ReducerSpec spec;
  spec.name = from_text(from.getName());
  spec.args = read_texts(from.getArgs());
  spec.column = from_text(from.getColumn());
  spec.label = from_text(from.getLabel());
  if (spec.label.empty()) spec.label = spec.name;
  return spec;
}

void write_histogram(schema::Histogram::Builder to, const model::Histogram& from) {
  auto edges = to.initEdgeBits(static_cast<unsigned>(from.edges.size()));
  for (unsigned i = 0; i < edges.size(); ++i)
    edges.set(i, std::bit_cast<std::uint64_t>(from.edges[i]));
  auto counts = to.initCounts(static_cast<unsigned>(from.counts.size()));
  for (unsigned i = 0; i < counts.size(); ++i) counts.set(i, from.counts[i]);
  to.setUnderflow(from.underflow);
  to.setOverflow(from.overflow);
  to.setNan(from.nan);
}

// Of a histogram that is none, its edges one more than its counts, nothing is taken.
model::Value read_histogram(schema::Histogram::Reader from) {
  model::Histogram histogram;
  const auto edges = from.getEdgeBits();
  const auto counts = from.getCounts();
  if (counts.size() == 0 || edges.size() != counts.size() + 1) return std::monostate();
  for (const std::uint64_t bits : edges)
    histogram.edges.push_back(std::bit_cast<double>(bits));
  for (const std::uint64_t count : counts) histogram.counts.push_back(count);
  histogram.underflow = from.getUnderflow();
  histogram.overflow = from.getOverflow();
  histogram.nan = from.getNan();
  return histogram;
}

void write_value(schema::ReducerResult::Value::Builder to, const model::Value& value) {
  if (const auto* integer = std::get_if<Int128>(&value))
    write_int128(to.initInteger(), *integer);
  else if (const auto* f64 = std::get_if<double>(&value))
    to.setF64Bits(std::bit_cast<std::uint64_t>(*f64));
  else if (const auto* f32 = std::get_if<float>(&value))
    to.setF32Bits(std::bit_cast<std::uint32_t>(*f32));
  else if (const auto* index = std::get_if<model::ElementIndex>(&value)) {
    auto out = to.initIndex();
    out.setHasFile(index->file.has_value());
    if (index->file) out.setFile(to_text(*index->file));
    out.setIndex(index->index);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    to.setText(to_text(*text));
  } else if (const auto* histogram = std::get_if<model::Histogram>(&value)) {
    write_histogram(to.initHistogram(), *histogram);
  } else {
    to.setNone();
  }
}

model::Value read_value(schema::ReducerResult::Value::Reader from) {
  using Which = schema::ReducerResult::Value::Which;
  switch (from.which()) {
    case Which::NONE: break;
    case Which::INTEGER: return read_int128(from.getInteger());
    case Which::F64_BITS: return std::bit_cast<double>(from.getF64Bits());
    case Which::F32_BITS: return std::bit_cast<float>(from.getF32Bits());
    case Which::INDEX: {
      model::ElementIndex index;
      if (from.getIndex().getHasFile())
        index.file = from_text(from.getIndex().getFile());
      index.index = from.getIndex().getIndex();
      return index;
    }
    case Which::TEXT: return from_text(from.getText());
    case Which::HISTOGRAM: return read_histogram(from.getHistogram());
  }
  return std::monostate();
}

void write_result(schema::ReducerResult::Builder to,
                  const model::ReducerResult& result) {
  to.setLabel(to_text(result.label));
  to.setReducer(to_text(result.reducer));
  if (!result.args.empty())
    write_texts(to.initArgs(static_cast<unsigned>(result.args.size())), result.args);
  to.setColumn(to_text(result.column));
  write_value(to.initValue(), result.value);
  if (result.error) write_error(to.initError(), *result.error);
}

model::ReducerResult read_result(schema::ReducerResult::Reader from) {
  model::ReducerResult result;
  result.label = from_text(from.getLabel());
  result.reducer = from_text(from.getReducer());
  result.args = read_texts(from.getArgs());
  result.column = from_text(from.getColumn());
  result.value = read_value(from.getValue());
  if (from.hasError()) result.error = read_error(from.getError());
  return result;
}

void write_times(schema::JobTimes::Builder to, const model::JobTimes& time) {
  to.setQueueNs(time.queue_ns);
  to.setPlanNs(time.plan_ns);
  to.setRunNs(time.run_ns);
  to.setMergeNs(time.merge_ns);
  to.setReplyNs(time.reply_ns);
  to.setOtherNs(time.other_ns);
  to.setTotalNs(time.total_ns);
  to.setCpuUserNs(time.cpu_user_ns);
  to.setCpuSystemNs(time.cpu_system_ns);
}

model::JobTimes read_times(schema::JobTimes::Reader from) {
  model::JobTimes time;
  time.queue_ns = from.getQueueNs();
  time.plan_ns = from.getPlanNs();
  time.run_ns = from.getRunNs();
  time.merge_ns = from.getMergeNs();
  time.reply_ns = from.getReplyNs();
  time.other_ns = from.getOtherNs();
  time.total_ns = from.getTotalNs();
  time.cpu_user_ns = from.getCpuUserNs();
  time.cpu_system_ns = from.getCpuSystemNs();
  return time;
}

void write_memory(schema::JobMemory::Builder to, const model::JobMemory& memory) {
  to.setHasPeakRss(memory.peak_rss_bytes.has_value());
  to.setPeakRssBytes(memory.peak_rss_bytes.value_or(0));
  to.setHasWorkersPss(memory.workers_pss_bytes.has_value());
  to.setWorkersPssBytes(memory.workers_pss_bytes.value_or(0));
  to.setHasWorkersAnon(memory.workers_anon_bytes.has_value());
  to.setWorkersAnonBytes(memory.workers_anon_bytes.value_or(0));
  to.setDaemonRssBytes(memory.daemon_rss_bytes);
  to.setInputBytes(memory.input_bytes);
  to.setSystemUsedPercent(memory.system_used_percent);
}

model::JobMemory read_memory(schema::JobMemory::Reader from) {
  model::JobMemory memory;
  if (from.getHasPeakRss()) memory.peak_rss_bytes = from.getPeakRssBytes();
  if (from.getHasWorkersPss()) memory.workers_pss_bytes = from.getWorkersPssBytes();
  if (from.getHasWorkersAnon()) memory.workers_anon_bytes = from.getWorkersAnonBytes();
  memory.daemon_rss_bytes = from.getDaemonRssBytes();
  memory.input_bytes = from.getInputBytes();
  memory.system_used_percent = from.getSystemUsedPercent();
  return memory;
}

void write_usage(schema::WorkerUsage::Builder to, const model::WorkerUsage& usage) {
  to.setWorker(usage.worker);
  to.setPid(usage.pid);
  to.setChunks(usage.chunks);
  to.setElements(usage.elements);
  to.setRunNs(usage.run_ns);
  to.setCpuNs(usage.cpu_ns);
  to.setHasPeakRss(usage.peak_rss_bytes.has_value());
  to.setPeakRssBytes(usage.peak_rss_bytes.value_or(0));
}

model::WorkerUsage read_usage(schema::WorkerUsage::Reader from) {
  model::WorkerUsage usage;
  usage.worker = from.getWorker();
  usage.pid = from.getPid();
  usage.chunks = from.getChunks();
  usage.elements = from.getElements();
  usage.run_ns = from.getRunNs();
  usage.cpu_ns = from.getCpuNs();
  if (from.getHasPeakRss()) usage.peak_rss_bytes = from.getPeakRssBytes();
  return usage;
}

void write_trace(schema::ChunkTrace::Builder to, const model::ChunkTrace& trace) {
  auto records = to.initRecords(static_cast<unsigned>(trace.records.size()));
  for (unsigned i = 0; i < records.size(); ++i) {
    const model::ChunkRecord& record = trace.records[i];
    records[i].setWorker(record.worker);
    records[i].setPid(record.pid);
    records[i].setChunk(record.chunk);
    records[i].setAttempt(record.attempt);
    records[i].setBeginNs(record.begin_ns);
    records[i].setEndNs(record.end_ns);
    records[i].setEnd(static_cast<std::uint8_t>(record.end));
  }
  to.setLeftOut(trace.left_out);
}

Result<model::ChunkTrace> read_trace(schema::ChunkTrace::Reader from) {
  model::ChunkTrace trace;
  const auto records = from.getRecords();
  trace.records.reserve(
      std::min<std::size_t>(records.size(), model::kMostChunkRecords));
  for (const auto record : records) {
    const auto end = read_enum(record.getEnd(), model::ChunkEnd::Done,
                               model::ChunkEnd::CalledOff, "the end of a chunk");
    if (!end) return end.error();
    trace.records.push_back({record.getWorker(), record.getPid(), record.getChunk(),
                             record.getAttempt(), record.getBeginNs(),
                             record.getEndNs(), *end});
  }
  trace.left_out = from.getLeftOut();
  return trace;
}

void write_missing(capnp::List<schema::MissingRange>::Builder to,
                   const std::vector<model::MissingRange>& missing) {
  for (unsigned i = 0; i < to.size(); ++i) {
    const model::MissingRange& range = missing[i];
    to[i].setHasFile(range.file.has_value());
    if (range.file) to[i].setFile(to_text(*range.file));
    to[i].setBegin(range.begin);
    to[i].setEnd(range.end);
    to[i].setInBytes(range.in_bytes);
    write_error(to[i].initError(), range.error);
  }
}

model::MissingRange read_missing(schema::MissingRange::Reader from) {
  model::MissingRange range{std::nullopt, from.getBegin(), from.getEnd(),
                            from.getInBytes(), read_error(from.getError())};
  if (from.getHasFile()) range.file = from_text(from.getFile());
  return range;
}

}  // namespace

void write_spec(schema::JobSpec::Builder to, const model::JobSpec& spec) {
  auto reducers = to.initReducers(static_cast<unsigned>(spec.reducers.size()));
  for (unsigned i = 0; i < reducers.size(); ++i)
    write_reducer(reducers[i], spec.reducers[i]);
  write_source(to.getSource(), spec.source);
  to.setHint(static_cast<std::uint8_t>(spec.hint));
  to.setPath(static_cast<std::uint8_t>(spec.path));
  to.setRequireIsolated(spec.require_isolated);
  to.setWorkers(spec.workers);
  to.setChunkSize(spec.chunk_size);
  to.setMissing(static_cast<std::uint8_t>(spec.missing));
  to.setNan(static_cast<std::uint8_t>(spec.nan));
  to.setTimeoutNs(spec.timeout_ns);
  to.setPriority(spec.priority);
  to.setOnFailure(static_cast<std::uint8_t>(spec.on_failure));
  if (!spec.client_id.empty()) to.setClientId(to_text(spec.client_id));
  to.setDetached(spec.detached);
  to.setMeasurePss(spec.measure_pss);
  to.setTrace(spec.trace);
  if (!spec.limits.empty())
    write_limits(to.initLimits(static_cast<unsigned>(spec.limits.size())), spec.limits);
  if (!spec.kernels.empty())
    write_kernel_files(to.initKernels(static_cast<unsigned>(spec.kernels.size())),
                       spec.kernels);
}

Bytes encoded_spec(const model::JobSpec& spec) {
  MessageScratch scratch;
  write_spec(scratch.builder().initRoot<schema::JobSpec>(), spec);
  Bytes bytes;
  for (const auto& segment : scratch.builder().getSegmentsForOutput()) {
    const auto* const begin = reinterpret_cast<const std::byte*>(segment.begin());
    bytes.insert(bytes.end(), begin, begin + segment.asBytes().size());
  }
  return bytes;
}

Result<model::JobSpec> read_spec(schema::JobSpec::Reader from) {
  const auto hint =
      read_enum(from.getHint(), model::Hint::Auto, model::Hint::Io, "a hint");
  const auto path =
      read_enum(from.getPath(), model::Path::Any, model::Path::Process, "a path");
  const auto missing = read_enum(from.getMissing(), model::MissingPolicy::Error,
                                 model::MissingPolicy::Skip, "a missing policy");
  const auto nan = read_enum(from.getNan(), model::NanPolicy::Propagate,
                             model::NanPolicy::Error, "a NaN policy");
  const auto on_failure = read_enum(from.getOnFailure(), model::FailurePolicy::Fail,
                                    model::FailurePolicy::Partial, "a failure policy");
  if (!hint) return hint.error();
  if (!path) return path.error();
  if (!on_failure) return on_failure.error();
  if (!missing) return missing.error();
  if (!nan) return nan.error();
  const auto reducers = from.getReducers();
  if (reducers.size() == 0 || reducers.size() > kMaxReducers)
    return Error(Errc::InvalidArgument, "bad_reducers",
                 "a job takes 1 to " + std::to_string(kMaxReducers) +
                     " reducers, not " + std::to_string(reducers.size()));
  Result<model::Source> source = read_source(from.getSource());
  if (!source) return std::move(source).error();
  Result<std::vector<model::TokenLimit>> limits = read_limits(from.getLimits());
  if (!limits) return std::move(limits).error();

  model::JobSpec spec;
  spec.reducers.reserve(reducers.size());
  for (const auto reducer : reducers) spec.reducers.push_back(read_reducer(reducer));
  spec.source = *std::move(source);
  spec.hint = *hint;
  spec.path = *path;
  spec.require_isolated = from.getRequireIsolated();
  spec.workers = from.getWorkers();
  spec.chunk_size = from.getChunkSize();
  spec.missing = *missing;
  spec.nan = *nan;
  spec.timeout_ns = from.getTimeoutNs();
  spec.priority = from.getPriority();
  spec.on_failure = *on_failure;
  if (from.hasClientId()) spec.client_id = from_text(from.getClientId());
  spec.detached = from.getDetached();
  spec.measure_pss = from.getMeasurePss();
  spec.trace = from.getTrace();
  Result<std::vector<model::KernelFile>> kernels = read_kernel_files(from.getKernels());
  if (!kernels) return std::move(kernels).error();
  spec.kernels = *std::move(kernels);
  spec.limits = *std::move(limits);
  return spec;
}

void write_answer(schema::JobAnswer::Builder to, const model::JobAnswer& answer) {
  write_job_id(to.initId(), answer.id);
  to.setState(static_cast<std::uint8_t>(answer.state));
  if (answer.error) write_error(to.initError(), *answer.error);
  auto results = to.initResults(static_cast<unsigned>(answer.results.size()));
  for (unsigned i = 0; i < results.size(); ++i)
    write_result(results[i], answer.results[i]);
  write_counts(to.initElements(), answer.elements);
  to.setDaemonKind(static_cast<std::uint8_t>(answer.daemon_kind));
  to.setDaemonPid(answer.daemon_pid);
  to.setPath(static_cast<std::uint8_t>(answer.path));
  to.setReason(to_text(answer.reason));
  to.setWorkers(answer.workers);
  to.setChunks(answer.chunks);
  to.setRetries(answer.retries);
  write_times(to.initTime(), answer.time);
  write_memory(to.initMemory(), answer.memory);
  auto usage = to.initWorkerUsage(static_cast<unsigned>(answer.worker_usage.size()));
  for (unsigned i = 0; i < usage.size(); ++i)
    write_usage(usage[i], answer.worker_usage[i]);
  if (answer.trace) write_trace(to.initTrace(), *answer.trace);
  if (!answer.missing.empty())
    write_missing(to.initMissing(static_cast<unsigned>(answer.missing.size())),
                  answer.missing);
  if (answer.stopped) {
    auto stopped = to.initStopped();
    stopped.setHow(static_cast<std::uint8_t>(answer.stopped->how));
    stopped.setTookNs(answer.stopped->took_ns);
  }
  if (answer.kernels.empty()) return;
  auto kernels = to.initKernels(static_cast<unsigned>(answer.kernels.size()));
  for (unsigned i = 0; i < kernels.size(); ++i) {
    kernels[i].setName(to_text(answer.kernels[i].name));
    kernels[i].setFile(to_text(answer.kernels[i].file));
    write_hash(kernels[i].initSha256(sizeof(model::ImageHash)), answer.kernels[i].hash);
  }
}

Result<model::JobAnswer> read_answer(schema::JobAnswer::Reader from) {
  const auto state = read_enum(from.getState(), model::JobState::Queued,
                               model::JobState::Refused, "a job state");
  const auto kind = read_enum(from.getDaemonKind(), model::DaemonKind::System,
                              model::DaemonKind::Embedded, "a daemon kind");
  const auto path =
      read_enum(from.getPath(), model::Path::Any, model::Path::Process, "a path");
  if (!state) return state.error();
  if (!kind) return kind.error();
  if (!path) return path.error();

  model::JobAnswer answer;
  answer.id = read_job_id(from.getId());
  answer.state = *state;
  if (from.hasError()) answer.error = read_error(from.getError());
  for (const auto result : from.getResults())
    answer.results.push_back(read_result(result));
  answer.elements = read_counts(from.getElements());
  answer.daemon_kind = *kind;
  answer.daemon_pid = from.getDaemonPid();
  answer.path = *path;
  answer.reason = from_text(from.getReason());
  answer.workers = from.getWorkers();
  answer.chunks = from.getChunks();
  answer.retries = from.getRetries();
  answer.time = read_times(from.getTime());
  answer.memory = read_memory(from.getMemory());
  for (const auto usage : from.getWorkerUsage())
    answer.worker_usage.push_back(read_usage(usage));
  if (from.hasTrace()) {
    Result<model::ChunkTrace> trace = read_trace(from.getTrace());
    if (!trace) return std::move(trace).error();
    answer.trace = *std::move(trace);
  }
  if (from.hasStopped()) {
    const auto how = read_enum(from.getStopped().getHow(), model::StopMeans::NotStarted,
                               model::StopMeans::LeftBehind, "a means to stop a job");
    if (!how) return how.error();
    answer.stopped = model::Stopped{*how, from.getStopped().getTookNs()};
  }
  for (const auto range : from.getMissing())
    answer.missing.push_back(read_missing(range));
  for (const auto kernel : from.getKernels()) {
    const Result<model::ImageHash> hash = read_hash(kernel.getSha256());
    if (!hash) return hash.error();
    answer.kernels.push_back(
        {from_text(kernel.getName()), from_text(kernel.getFile()), *hash});
  }
  return answer;
}

}  // namespace tally::ipc

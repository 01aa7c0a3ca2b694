#include "ipc/codec/status_codec.h"

#include "ipc/codec/common_codec.h"

namespace tally::ipc {
namespace {

void write_worker(schema::WorkerStatus::Builder to, const model::WorkerStatus& worker) {
  to.setWorker(worker.worker);
  to.setPid(worker.pid);
  to.setState(to_text(worker.state));
  to.setHasJob(worker.job.has_value());
  if (worker.job) write_job_id(to.initJob(), *worker.job);
  to.setChunksDone(worker.chunks_done);
  to.setRestarts(worker.restarts);
  to.setHasPss(worker.pss_bytes.has_value());
  to.setPssBytes(worker.pss_bytes.value_or(0));
  to.setHasRss(worker.rss_bytes.has_value());
  to.setRssBytes(worker.rss_bytes.value_or(0));
  to.setDoing(to_text(worker.doing));
  to.setStalledNs(worker.stalled_ns);
  to.setProcessState(static_cast<std::uint8_t>(worker.process_state));
}

model::WorkerStatus read_worker(schema::WorkerStatus::Reader from) {
  model::WorkerStatus worker;
  worker.worker = from.getWorker();
  worker.pid = from.getPid();
  worker.state = from_text(from.getState());
  if (from.getHasJob()) worker.job = read_job_id(from.getJob());
  worker.chunks_done = from.getChunksDone();
  worker.restarts = from.getRestarts();
  if (from.getHasPss()) worker.pss_bytes = from.getPssBytes();
  if (from.getHasRss()) worker.rss_bytes = from.getRssBytes();
  worker.doing = from_text(from.getDoing());
  worker.stalled_ns = from.getStalledNs();
  worker.process_state = static_cast<char>(from.getProcessState());
  return worker;
}

void write_setting(schema::Setting::Builder to, const model::Setting& setting) {
  to.setKey(to_text(setting.key));
  auto value = to.getValue();
  if (const auto* integer = std::get_if<std::int64_t>(&setting.value)) {
    value.setInteger(*integer);
  } else if (const auto* text = std::get_if<std::string>(&setting.value)) {
    value.setText(to_text(*text));
  } else {
    const auto& from = std::get<std::vector<std::uint32_t>>(setting.value);
    auto ids = value.initIds(static_cast<unsigned>(from.size()));
    for (unsigned i = 0; i < ids.size(); ++i) ids.set(i, from[i]);
  }
  to.setIsDefault(setting.is_default);
  to.setReloadable(setting.reloadable);
  to.setRestartPending(setting.restart_pending);
}

model::Setting read_setting(schema::Setting::Reader from) {
  using Which = schema::Setting::Value::Which;
  model::Setting setting;
  setting.key = from_text(from.getKey());
  const auto value = from.getValue();
  switch (value.which()) {
    case Which::INTEGER: setting.value = value.getInteger(); break;
    case Which::TEXT: setting.value = from_text(value.getText()); break;
    case Which::IDS: {
      std::vector<std::uint32_t> ids;
      for (const std::uint32_t id : value.getIds()) ids.push_back(id);
      setting.value = std::move(ids);
      break;
    }
  }
  setting.is_default = from.getIsDefault();
  setting.reloadable = from.getReloadable();
  setting.restart_pending = from.getRestartPending();
  return setting;
}

void write_totals(schema::Totals::Builder to, const model::Totals& totals) {
  to.setJobsDone(totals.jobs_done);
  to.setJobsFailed(totals.jobs_failed);
  to.setJobsCancelled(totals.jobs_cancelled);
  to.setJobsExpired(totals.jobs_expired);
  to.setJobsRefused(totals.jobs_refused);
  to.setChunks(totals.chunks);
  to.setChunksRetried(totals.chunks_retried);
  to.setElements(totals.elements);
  to.setCpuNs(totals.cpu_ns);
  to.setJobsPartial(totals.jobs_partial);
}

model::Totals read_totals(schema::Totals::Reader from) {
  return {from.getJobsDone(),      from.getJobsFailed(),  from.getJobsCancelled(),
          from.getJobsExpired(),   from.getJobsRefused(), from.getChunks(),
          from.getChunksRetried(), from.getElements(),    from.getCpuNs(),
          from.getJobsPartial()};
}

void write_limit(schema::LimitUse::Builder to, const model::LimitUse& limit) {
  to.setResource(to_text(limit.resource));
  to.setHasUid(limit.uid.has_value());
  to.setUid(limit.uid.value_or(0));
  to.setLimit(limit.limit);
  to.setHasInUse(limit.in_use.has_value());
  to.setInUse(limit.in_use.value_or(0));
}

model::LimitUse read_limit(schema::LimitUse::Reader from) {
  model::LimitUse limit;
  limit.resource = from_text(from.getResource());
  if (from.getHasUid()) limit.uid = from.getUid();
  limit.limit = from.getLimit();
  if (from.getHasInUse()) limit.in_use = from.getInUse();
  return limit;
}

Result<model::Path> read_path(std::uint8_t number) {
  return read_enum(number, model::Path::Any, model::Path::Process, "a path");
}

void write_health(schema::PathHealth::Builder to, const model::PathHealth& health) {
  to.setPath(static_cast<std::uint8_t>(health.path));
  to.setState(static_cast<std::uint8_t>(health.state));
  to.setHasLastOk(health.last_ok_ns.has_value());
  to.setLastOkNs(health.last_ok_ns.value_or(0));
  to.setLatencyNs(health.latency_ns);
  to.setMessage(to_text(health.message));
}

Result<model::PathHealth> read_health(schema::PathHealth::Reader from) {
  const auto path = read_path(from.getPath());
  if (!path) return path.error();
  const auto state = read_enum(from.getState(), model::HealthState::Off,
                               model::HealthState::Wrong, "a path's health");
  if (!state) return state.error();
  model::PathHealth health;
  health.path = *path;
  health.state = *state;
  if (from.getHasLastOk()) health.last_ok_ns = from.getLastOkNs();
  health.latency_ns = from.getLatencyNs();
  health.message = from_text(from.getMessage());
  return health;
}

}  // namespace

void write_server_status(schema::ServerStatus::Builder to,
                         const model::ServerStatus& status) {
  to.setVersion(to_text(status.version));
  to.setPid(status.pid);
  to.setKind(static_cast<std::uint8_t>(status.kind));
  to.setSocket(to_text(status.socket));
  to.setUptimeNs(status.uptime_ns);
  to.setZygotePid(status.zygote_pid);
  to.setZygoteRestarts(status.zygote_restarts);
  auto workers = to.initWorkers(static_cast<unsigned>(status.workers.size()));
  for (unsigned i = 0; i < workers.size(); ++i)
    write_worker(workers[i], status.workers[i]);
  to.setThreadsRunning(status.threads_running);
  to.setThreadsBusy(status.threads_busy);
  to.setThreadsMax(status.threads_max);
  to.setUsableCores(status.usable_cores);
  auto bounds = to.initCoreBounds(static_cast<unsigned>(status.core_bounds.size()));
  for (unsigned i = 0; i < bounds.size(); ++i) {
    bounds[i].setSource(to_text(status.core_bounds[i].source));
    bounds[i].setCores(status.core_bounds[i].cores);
  }
  to.setJobsQueued(status.jobs_queued);
  to.setJobsRunning(status.jobs_running);
  to.setJobsFinished(status.jobs_finished);
  to.setChunksWaiting(status.chunks_waiting);
  to.setSessions(status.sessions);
  to.setDaemonRssBytes(status.daemon_rss_bytes);
  to.setHasWorkersPss(status.workers_pss_bytes.has_value());
  to.setWorkersPssBytes(status.workers_pss_bytes.value_or(0));
  to.setSystemUsedPercent(status.system_used_percent);
  to.setDraining(status.draining);
  write_totals(to.initTotals(), status.totals);
  auto settings = to.initSettings(static_cast<unsigned>(status.settings.size()));
  for (unsigned i = 0; i < settings.size(); ++i)
    write_setting(settings[i], status.settings[i]);
  auto tokens = to.initTokens(static_cast<unsigned>(status.tokens.size()));
  for (unsigned i = 0; i < tokens.size(); ++i) {
    tokens[i].setName(to_text(status.tokens[i].name));
    tokens[i].setInUse(status.tokens[i].in_use);
    tokens[i].setWaiting(status.tokens[i].waiting);
  }
  to.setDegraded(to_text(status.degraded));
  to.setSandbox(to_text(status.sandbox));
  auto health = to.initHealth(static_cast<unsigned>(status.health.size()));
  for (unsigned i = 0; i < health.size(); ++i)
    write_health(health[i], status.health[i]);
  auto limits = to.initLimits(static_cast<unsigned>(status.limits.size()));
  for (unsigned i = 0; i < limits.size(); ++i) write_limit(limits[i], status.limits[i]);
}

Result<model::ServerStatus> read_server_status(schema::ServerStatus::Reader from) {
  const auto kind = read_enum(from.getKind(), model::DaemonKind::System,
                              model::DaemonKind::Embedded, "a daemon kind");
  if (!kind) return kind.error();
  model::ServerStatus status;
  status.version = from_text(from.getVersion());
  status.pid = from.getPid();
  status.kind = *kind;
  status.socket = from_text(from.getSocket());
  status.uptime_ns = from.getUptimeNs();
  status.zygote_pid = from.getZygotePid();
  status.zygote_restarts = from.getZygoteRestarts();
  for (const auto worker : from.getWorkers())
    status.workers.push_back(read_worker(worker));
  status.threads_running = from.getThreadsRunning();
  status.threads_busy = from.getThreadsBusy();
  status.threads_max = from.getThreadsMax();
  status.usable_cores = from.getUsableCores();
  for (const auto bound : from.getCoreBounds())
    status.core_bounds.push_back({from_text(bound.getSource()), bound.getCores()});
  status.jobs_queued = from.getJobsQueued();
  status.jobs_running = from.getJobsRunning();
  status.jobs_finished = from.getJobsFinished();
  status.chunks_waiting = from.getChunksWaiting();
  status.sessions = from.getSessions();
  status.daemon_rss_bytes = from.getDaemonRssBytes();
  if (from.getHasWorkersPss()) status.workers_pss_bytes = from.getWorkersPssBytes();
  status.system_used_percent = from.getSystemUsedPercent();
  status.draining = from.getDraining();
  status.totals = read_totals(from.getTotals());
  for (const auto setting : from.getSettings())
    status.settings.push_back(read_setting(setting));
  for (const auto token : from.getTokens())
    status.tokens.push_back(
        {from_text(token.getName()), token.getInUse(), token.getWaiting()});
  status.degraded = from_text(from.getDegraded());
  status.sandbox = from_text(from.getSandbox());
  for (const auto path : from.getHealth()) {
    Result<model::PathHealth> health = read_health(path);
    if (!health) return health.error();
    status.health.push_back(*std::move(health));
  }
  for (const auto limit : from.getLimits()) status.limits.push_back(read_limit(limit));
  return status;
}

void write_job_summary(schema::JobSummary::Builder to, const model::JobSummary& job) {
  write_job_id(to.initId(), job.id);
  to.setState(static_cast<std::uint8_t>(job.state));
  to.setUid(job.uid);
  to.setReducers(to_text(job.reducers));
  to.setPath(static_cast<std::uint8_t>(job.path));
  to.setChunksDone(job.chunks_done);
  to.setChunks(job.chunks);
  to.setAgeNs(job.age_ns);
}

Result<model::JobSummary> read_job_summary(schema::JobSummary::Reader from) {
  const auto state = read_enum(from.getState(), model::JobState::Queued,
                               model::JobState::Refused, "a job state");
  const auto path = read_path(from.getPath());
  if (!state) return state.error();
  if (!path) return path.error();
  model::JobSummary job;
  job.id = read_job_id(from.getId());
  job.state = *state;
  job.uid = from.getUid();
  job.reducers = from_text(from.getReducers());
  job.path = *path;
  job.chunks_done = from.getChunksDone();
  job.chunks = from.getChunks();
  job.age_ns = from.getAgeNs();
  return job;
}

void write_plan(schema::JobPlan::Builder to, const model::JobPlan& plan) {
  to.setPath(static_cast<std::uint8_t>(plan.path));
  to.setReason(to_text(plan.reason));
  to.setWorkers(plan.workers);
  to.setChunks(plan.chunks);
  to.setLeaves(plan.leaves);
  to.setElements(plan.elements);
  to.setElementsKnown(plan.elements_known);
  to.setInputBytes(plan.input_bytes);
  to.setChunkSize(plan.chunk_size);
  to.setHasExpected(plan.expected_ns.has_value());
  to.setExpectedNs(plan.expected_ns.value_or(0));
  to.setMeasuredExtent(plan.measured_extent);
}

Result<model::JobPlan> read_plan(schema::JobPlan::Reader from) {
  const auto path = read_path(from.getPath());
  if (!path) return path.error();
  model::JobPlan plan;
  plan.path = *path;
  plan.reason = from_text(from.getReason());
  plan.workers = from.getWorkers();
  plan.chunks = from.getChunks();
  plan.leaves = from.getLeaves();
  plan.elements = from.getElements();
  plan.elements_known = from.getElementsKnown();
  plan.input_bytes = from.getInputBytes();
  plan.chunk_size = from.getChunkSize();
  if (from.getHasExpected()) plan.expected_ns = from.getExpectedNs();
  plan.measured_extent = from.getMeasuredExtent();
  return plan;
}

}  // namespace tally::ipc

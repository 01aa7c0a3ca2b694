#include "client/cli/status_metrics.h"

#include <cstdint>
#include <map>
#include <string_view>

#include "client/json_writer.h"

namespace tally::cli {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') result += '\\';
    result += c;
  }
  return result;
}

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + escaped(value) + "\"";
}

class Metrics {
 public:
  // The samples of one metric follow its heading directly.
  Metrics& gauge(std::string_view name, std::string_view help) {
    return heading(name, help, "gauge");
  }
  Metrics& counter(std::string_view name, std::string_view help) {
    return heading(name, help, "counter");
  }

  Metrics& sample(std::uint64_t value, const std::string& labels = {}) {
    return line(std::to_string(value), labels);
  }
  Metrics& sample(double value, const std::string& labels = {}) {
    return line(client::real_text(value), labels);
  }
  Metrics& seconds(std::uint64_t ns) { return sample(static_cast<double>(ns) / 1e9); }

  std::string take() { return std::move(text_); }

 private:
  Metrics& heading(std::string_view name, std::string_view help,
                   std::string_view type) {
    name_ = "tally_";
    name_ += name;
    text_.append("# HELP ").append(name_).append(" ").append(help);
    text_.append("\n# TYPE ").append(name_).append(" ").append(type).append("\n");
    return *this;
  }

  Metrics& line(const std::string& value, const std::string& labels) {
    text_ += name_;
    if (!labels.empty()) text_.append("{").append(labels).append("}");
    text_.append(" ").append(value).append("\n");
    return *this;
  }

  std::string name_;
  std::string text_;
};

void add_daemon(Metrics& metrics, const model::ServerStatus& status) {
  metrics.gauge("build_info", "The daemon's version and kind; always 1.")
      .sample(std::uint64_t{1}, label("version", status.version) + "," +
                                    label("kind", model::name_of(status.kind)));
  metrics.gauge("uptime_seconds", "Time since the daemon started.")
      .seconds(status.uptime_ns);
  metrics.gauge("draining", "Whether the daemon takes no new jobs.")
      .sample(std::uint64_t{status.draining});
  metrics.gauge("sessions", "Clients that are connected.").sample(status.sessions);
  metrics.gauge("usable_cores", "Cores that the daemon may use.")
      .sample(std::uint64_t{status.usable_cores});
  metrics.gauge("core_bound", "A bound on the usable cores, by what sets it.");
  for (const model::CoreBound& bound : status.core_bounds)
    metrics.sample(bound.cores, label("source", bound.source));
}

void add_memory(Metrics& metrics, const model::ServerStatus& status) {
  metrics.gauge("daemon_resident_bytes", "Resident memory of the daemon's process.")
      .sample(status.daemon_rss_bytes);
  if (status.workers_pss_bytes)
    metrics
        .gauge("workers_proportional_bytes",
               "Memory of all workers, shared pages counted in proportion.")
        .sample(*status.workers_pss_bytes);
  metrics.gauge("system_memory_used_ratio", "Memory of the machine that is in use.")
      .sample(status.system_used_percent / 100.0);
}

void add_jobs(Metrics& metrics, const model::ServerStatus& status) {
  const model::Totals& totals = status.totals;
  // Not "jobs": OpenMetrics takes that for the family of jobs_total.
  metrics.gauge("jobs_unfinished", "Jobs that have not ended, by state.")
      .sample(status.jobs_queued, label("state", "queued"))
      .sample(status.jobs_running, label("state", "running"));
  metrics.counter("jobs_total", "Jobs that ended, by how.")
      .sample(totals.jobs_done, label("outcome", "done"))
      .sample(totals.jobs_partial, label("outcome", "partial"))
      .sample(totals.jobs_failed, label("outcome", "failed"))
      .sample(totals.jobs_cancelled, label("outcome", "cancelled"))
      .sample(totals.jobs_expired, label("outcome", "expired"))
      .sample(totals.jobs_refused, label("outcome", "refused"));
  metrics.gauge("chunks_waiting", "Chunks that wait for a worker or a thread.")
      .sample(status.chunks_waiting);
  metrics.counter("chunks_total", "Chunks that were reduced and merged.")
      .sample(totals.chunks);
  metrics
      .counter("chunk_retries_total",
               "Attempts at a chunk that were lost and made again.")
      .sample(totals.chunks_retried);
  metrics.counter("elements_total", "Elements of the chunks that were merged.")
      .sample(totals.elements);
  metrics.counter("cpu_seconds_total", "CPU time of the chunks that were merged.")
      .seconds(totals.cpu_ns);
}

void add_health(Metrics& metrics, const model::ServerStatus& status) {
  using model::HealthState;
  if (status.health.empty()) return;
  metrics.gauge("path_up", "Whether a path works (ok or busy), as canaries show.");
  const auto by_path = [&status](auto&& add) {
    for (const model::PathHealth& path : status.health)
      if (path.state != HealthState::Off) add(path, label("path", name_of(path.path)));
  };
  by_path([&](const auto& path, const auto& labels) {
    metrics.sample(
        std::uint64_t{path.state == HealthState::Ok || path.state == HealthState::Busy},
        labels);
  });
  metrics.gauge("path_last_ok_seconds", "Time since a canary was answered right.");
  by_path([&](const auto& path, const auto& labels) {
    if (path.last_ok_ns)
      metrics.sample(static_cast<double>(*path.last_ok_ns) / 1e9, labels);
  });
}

void add_limits(Metrics& metrics, const model::ServerStatus& status) {
  const auto labels = [](const model::LimitUse& limit) {
    std::string text = label("resource", limit.resource);
    if (limit.uid) text += "," + label("uid", std::to_string(*limit.uid));
    return text;
  };
  metrics.gauge("held", "What is held of what is limited, in all and by uid.");
  for (const model::LimitUse& limit : status.limits)
    if (limit.in_use) metrics.sample(*limit.in_use, labels(limit));
  metrics.gauge("held_limit", "How much of it may be held.");
  for (const model::LimitUse& limit : status.limits)
    metrics.sample(limit.limit, labels(limit));
}

void add_threads(Metrics& metrics, const model::ServerStatus& status) {
  metrics.gauge("threads_running", "Threads of the thread path that were started.")
      .sample(std::uint64_t{status.threads_running});
  metrics.gauge("threads_busy", "Threads that have a chunk.")
      .sample(std::uint64_t{status.threads_busy});
  metrics.gauge("threads_max", "Threads that there may be.")
      .sample(std::uint64_t{status.threads_max});
}

void add_workers(Metrics& metrics, const model::ServerStatus& status) {
  std::map<std::string, std::uint64_t> states;
  for (const model::WorkerStatus& worker : status.workers) ++states[worker.state];
  const auto by_worker = [&status](auto&& add) {
    for (const model::WorkerStatus& worker : status.workers)
      add(worker, label("worker", std::to_string(worker.worker)));
  };
  metrics.gauge("workers", "Worker processes, by state.");
  for (const auto& [state, count] : states)
    metrics.sample(count, label("state", state));
  metrics.counter("worker_chunks_total", "Chunks that a worker answered.");
  by_worker([&](const auto& worker, const auto& labels) {
    metrics.sample(worker.chunks_done, labels);
  });
  metrics.counter("worker_deaths_total", "Processes that a worker's slot has lost.");
  by_worker([&](const auto& worker, const auto& labels) {
    metrics.sample(worker.restarts, labels);
  });
  metrics.counter("zygote_restarts_total", "Zygotes that were lost and started anew.")
      .sample(status.zygote_restarts);
}

}  // namespace

std::string metrics_of_status(const model::ServerStatus& status) {
  Metrics metrics;
  add_daemon(metrics, status);
  add_memory(metrics, status);
  add_jobs(metrics, status);
  add_health(metrics, status);
  add_limits(metrics, status);
  add_threads(metrics, status);
  add_workers(metrics, status);
  return metrics.take();
}

}  // namespace tally::cli

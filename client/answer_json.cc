#include "client/answer_json.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string_view>
#include <variant>

#include "client/json_writer.h"
#include "ipc/base/float_environment.h"
#include "ipc/base/int128.h"

namespace tally::client {
namespace {

template <typename Bits>
std::string hex_bits(Bits bits) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text(2 + 2 * sizeof bits, '0');
  text[1] = 'x';
  for (std::size_t at = text.size(); at-- > 2; bits = static_cast<Bits>(bits >> 4))
    text[at] = kHex[static_cast<std::size_t>(bits & 15U)];
  return text;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "0.99" and "5e8" are JSON numbers as they stand; ".5", "05" and "1." are not.
bool is_json_form(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front())) return false;
  if (text.size() > 1 && text[0] == '0' && is_digit(text[1])) return false;
  const std::size_t point = text.find('.');
  return point == std::string_view::npos ||
         (point + 1 < text.size() && is_digit(text[point + 1]));
}

// The finite number that a text spells. Not inlined: nothing of it may happen before
// the environment is set.
[[gnu::noinline]] std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(value))
    return std::nullopt;
  return value;
}

// An argument as the number it spells, else as a string.
void write_arg(JsonWriter& json, const std::string& arg) {
  const FloatEnvironment exact;  // the program's may round otherwise
  const std::optional<double> number = number_of(arg);
  if (!number)
    json.string(arg);
  else if (is_json_form(arg))
    json.verbatim(arg);
  else
    json.real(*number);
}

bool is_reserved(std::string_view name) {
  return name == "code" || name == "class" || name == "message";
}

void write_error(JsonWriter& json, const Error& error) {
  json.begin_object();
  json.field("code", error.code());
  json.field("class", name_of(error.errc()));
  json.field("message", error.message());
  for (const Error::Field& field : error.fields()) {
    if (is_reserved(field.name)) continue;
    json.key(field.name);
    if (const auto* number = std::get_if<std::int64_t>(&field.value))
      json.integer(*number);
    else
      json.string(std::get<std::string>(field.value));
  }
  json.end_object();
}

struct ValueWriter {
  JsonWriter& json;

  void operator()(std::monostate) {}
  void operator()(Int128 value) {
    json.field("type", "int").field("value", to_string(value));
  }
  void operator()(double value) {
    json.field("type", "f64").key("value").real(value);
    json.field("bits", hex_bits(std::bit_cast<std::uint64_t>(value)));
  }
  void operator()(float value) {
    json.field("type", "f32").key("value").real(value);
    json.field("bits", hex_bits(std::bit_cast<std::uint32_t>(value)));
  }
  void operator()(const model::ElementIndex& at) {
    json.field("type", "index").key("value").begin_object().key("file");
    if (at.file)
      json.string(*at.file);
    else
      json.null();
    json.field("index", at.index).end_object();
  }
  void operator()(const model::Histogram& histogram) {
    json.field("type", "histogram").key("value").begin_object();
    json.key("edges").begin_array();
    for (const double edge : histogram.edges) json.real(edge);
    json.end_array().key("counts").begin_array();
    for (const std::uint64_t count : histogram.counts) json.counter(count);
    json.end_array().field("underflow", histogram.underflow);
    json.field("overflow", histogram.overflow).field("nan", histogram.nan);
    json.end_object();
  }
  void operator()(const std::string& text) {
    json.field("type", "text").field("value", text);
  }
};

void write_result(JsonWriter& json, const model::ReducerResult& result) {
  json.begin_object();
  json.field("label", result.label).field("reducer", result.reducer);
  if (!result.args.empty()) {
    json.key("args").begin_array();
    for (const std::string& arg : result.args) write_arg(json, arg);
    json.end_array();
  }
  if (!result.column.empty()) json.field("column", result.column);
  if (result.error) {
    json.key("error");
    write_error(json, *result.error);
  } else {
    std::visit(ValueWriter{json}, result.value);
  }
  json.end_object();
}

void write_time(JsonWriter& json, const model::JobTimes& time,
                std::optional<std::uint64_t> transport_ns) {
  json.begin_object()
      .field("queue_ns", time.queue_ns)
      .field("plan_ns", time.plan_ns)
      .field("run_ns", time.run_ns)
      .field("merge_ns", time.merge_ns)
      .field("reply_ns", time.reply_ns)
      .field("other_ns", time.other_ns)
      .field("total_ns", time.total_ns)
      .key("transport_ns")
      .counter_or_null(transport_ns)
      .field("cpu_user_ns", time.cpu_user_ns)
      .field("cpu_system_ns", time.cpu_system_ns)
      .end_object();
}

void write_memory(JsonWriter& json, const model::JobMemory& memory) {
  json.begin_object();
  json.key("peak_rss_bytes").counter_or_null(memory.peak_rss_bytes);
  json.key("workers_pss_bytes").counter_or_null(memory.workers_pss_bytes);
  json.key("workers_anon_bytes").counter_or_null(memory.workers_anon_bytes);
  json.field("daemon_rss_bytes", memory.daemon_rss_bytes);
  json.field("input_bytes", memory.input_bytes);
  json.key("system_used_percent").real(memory.system_used_percent);
  json.end_object();
}

void write_usage(JsonWriter& json, const model::WorkerUsage& usage) {
  json.begin_object()
      .field("worker", usage.worker)
      .field("pid", usage.pid)
      .field("chunks", usage.chunks)
      .field("elements", usage.elements)
      .field("run_ns", usage.run_ns)
      .field("cpu_ns", usage.cpu_ns);
  json.key("peak_rss_bytes").counter_or_null(usage.peak_rss_bytes).end_object();
}

void write_worker_status(JsonWriter& json, const model::WorkerStatus& worker) {
  json.begin_object();
  json.field("worker", worker.worker).field("pid", worker.pid);
  json.field("state", worker.state).key("job");
  if (worker.job)
    json.string(model::short_name(*worker.job));
  else
    json.null();
  json.field("chunks_done", worker.chunks_done).field("restarts", worker.restarts);
  json.key("pss_bytes").counter_or_null(worker.pss_bytes);
  json.key("rss_bytes").counter_or_null(worker.rss_bytes);
  json.field("doing", worker.doing).field("stalled_ns", worker.stalled_ns);
  json.key("process_state");
  if (std::isupper(static_cast<unsigned char>(worker.process_state)) != 0 ||
      worker.process_state == 't')
    json.string(std::string(1, worker.process_state));
  else
    json.null();
  json.end_object();
}

void write_limit(JsonWriter& json, const model::LimitUse& limit) {
  json.begin_object().field("resource", limit.resource).key("uid");
  json.counter_or_null(limit.uid).field("limit", limit.limit).key("in_use");
  json.counter_or_null(limit.in_use).end_object();
}

void write_cores(JsonWriter& json, const model::ServerStatus& status) {
  json.begin_object().field("usable", status.usable_cores).key("bounds").begin_array();
  for (const model::CoreBound& bound : status.core_bounds)
    json.begin_object()
        .field("source", bound.source)
        .key("cores")
        .real(bound.cores)
        .end_object();
  json.end_array().end_object();
}

void write_totals(JsonWriter& json, const model::Totals& totals) {
  json.begin_object()
      .field("jobs_done", totals.jobs_done)
      .field("jobs_partial", totals.jobs_partial)
      .field("jobs_failed", totals.jobs_failed)
      .field("jobs_cancelled", totals.jobs_cancelled)
      .field("jobs_expired", totals.jobs_expired)
      .field("jobs_refused", totals.jobs_refused)
      .field("chunks", totals.chunks)
      .field("chunks_retried", totals.chunks_retried)
      .field("elements", totals.elements)
      .field("cpu_ns", totals.cpu_ns)
      .end_object();
}

void write_health(JsonWriter& json, const model::ServerStatus& status) {
  json.key("healthy").boolean(is_healthy(status));
  json.field("degraded", status.degraded).key("health").begin_array();
  for (const model::PathHealth& path : status.health) {
    json.begin_object().field("path", name_of(path.path));
    json.field("state", name_of(path.state)).key("last_ok_ns");
    json.counter_or_null(path.last_ok_ns).field("latency_ns", path.latency_ns);
    json.field("message", path.message).end_object();
  }
  json.end_array();
}

struct SettingWriter {
  JsonWriter& json;

  void operator()(std::int64_t value) { json.integer(value); }
  void operator()(const std::string& value) { json.string(value); }
  void operator()(const std::vector<std::uint32_t>& ids) {
    json.begin_array();
    for (const std::uint32_t id : ids) json.counter(id);
    json.end_array();
  }
};

// An object a table, as in the file; the keys of a table follow each other.
void write_settings(JsonWriter& json, const std::vector<model::Setting>& settings) {
  json.begin_object();
  std::string_view open;
  for (const model::Setting& setting : settings) {
    const std::string_view key = setting.key;
    const std::string_view table = key.substr(0, key.find('.'));
    if (table != open) {
      if (!open.empty()) json.end_object();
      json.key(table).begin_object();
      open = table;
    }
    json.key(key.substr(std::min(key.size(), table.size() + 1))).begin_object();
    json.key("value");
    std::visit(SettingWriter{json}, setting.value);
    json.key("is_default").boolean(setting.is_default);
    json.key("reloadable").boolean(setting.reloadable);
    json.key("restart_pending").boolean(setting.restart_pending).end_object();
  }
  if (!open.empty()) json.end_object();
  json.end_object();
}

void write_summary(JsonWriter& json, const model::JobSummary& job) {
  json.begin_object()
      .field("job", model::short_name(job.id))
      .field("state", name_of(job.state))
      .field("uid", job.uid)
      .field("reducers", job.reducers)
      .field("path", name_of(job.path))
      .field("chunks_done", job.chunks_done)
      .field("chunks", job.chunks)
      .field("age_ns", job.age_ns)
      .end_object();
}

void write_missing(JsonWriter& json, const std::vector<model::MissingRange>& missing) {
  json.key("missing").begin_array();
  for (const model::MissingRange& range : missing) {
    json.begin_object().key("file");
    if (range.file)
      json.string(*range.file);
    else
      json.null();
    json.field("begin", range.begin).field("end", range.end);
    json.field("unit", range.in_bytes ? "bytes" : "elements").key("error");
    write_error(json, range.error);
    json.end_object();
  }
  json.end_array();
}

void write_kernels(JsonWriter& json, const std::vector<model::KernelUse>& kernels) {
  json.key("kernels").begin_array();
  for (const model::KernelUse& kernel : kernels) {
    json.begin_object().field("name", kernel.name).field("file", kernel.file);
    json.field("sha256", model::hex_of(kernel.hash)).end_object();
  }
  json.end_array();
}

void write_listed_kernel(JsonWriter& json, const model::ListedKernel& kernel) {
  json.begin_object().field("name", kernel.info.name);
  json.field("summary", kernel.info.summary).field("file", kernel.file);
  json.field("sha256", model::hex_of(kernel.hash));
  json.field("types", model::type_names(kernel.info.types, " "));
  json.field("columns", kernel.info.columns);
  json.key("parameters").begin_array();
  for (const model::KernelParameter& parameter : kernel.info.parameters) {
    json.begin_object().field("name", parameter.name);
    json.field("summary", parameter.summary).key("default");
    if (parameter.default_value)
      json.string(*parameter.default_value);
    else
      json.null();
    json.end_object();
  }
  json.end_array().key("exact").boolean(kernel.info.exact);
  json.key("sync").boolean(kernel.info.sync);
  json.key("in_process").boolean(kernel.in_process);
  json.field("state_bytes", kernel.info.state_bytes).end_object();
}

}  // namespace

std::string answer_to_json(const model::JobAnswer& answer,
                           std::optional<std::uint64_t> transport_ns,
                           const CopyFigures& copied) {
  JsonWriter json;
  json.begin_object();
  json.field("job", model::short_name(answer.id)).field("state", name_of(answer.state));
  if (answer.error) {
    json.key("error");
    write_error(json, *answer.error);
  }
  json.key("results").begin_array();
  for (const model::ReducerResult& result : answer.results) write_result(json, result);
  json.end_array();
  json.key("elements").begin_object();
  json.field("seen", answer.elements.seen).field("kept", answer.elements.kept);
  json.field("missing", answer.elements.missing);
  json.field("filtered", answer.elements.filtered).end_object();
  json.key("daemon").begin_object().field("kind", name_of(answer.daemon_kind));
  json.field("pid", answer.daemon_pid).end_object();
  json.field("path", name_of(answer.path)).field("reason", answer.reason);
  json.field("workers", answer.workers).field("chunks", answer.chunks);
  json.field("retries", answer.retries).key("time");
  write_time(json, answer.time, transport_ns);
  json.key("memory");
  write_memory(json, answer.memory);
  if (copied.bytes > 0) {
    json.key("copy").begin_object().field("bytes", copied.bytes);
    json.field("ns", copied.ns).end_object();
  }
  json.key("worker_usage").begin_array();
  for (const model::WorkerUsage& usage : answer.worker_usage) write_usage(json, usage);
  json.end_array();
  if (!answer.kernels.empty()) write_kernels(json, answer.kernels);
  if (!answer.missing.empty()) write_missing(json, answer.missing);
  if (answer.stopped) {
    json.key("stopped").begin_object().field("how", name_of(answer.stopped->how));
    json.field("took_ns", answer.stopped->took_ns).end_object();
  }
  json.end_object();
  return json.take();
}

std::string error_to_json(const Error& error) {
  JsonWriter json;
  json.begin_object().key("error");
  write_error(json, error);
  return json.end_object().take();
}

std::string server_status_to_json(const model::ServerStatus& status) {
  JsonWriter json;
  json.begin_object();
  json.field("pid", status.pid).field("version", status.version);
  json.field("kind", name_of(status.kind)).field("socket", status.socket);
  json.field("uptime_ns", status.uptime_ns).key("zygote").begin_object();
  json.field("pid", status.zygote_pid).field("restarts", status.zygote_restarts);
  json.end_object().field("sandbox", status.sandbox).key("workers").begin_array();
  for (const model::WorkerStatus& worker : status.workers)
    write_worker_status(json, worker);
  json.end_array().key("threads").begin_object();
  json.field("running", status.threads_running).field("busy", status.threads_busy);
  json.field("max", status.threads_max).end_object().key("cores");
  write_cores(json, status);
  json.key("queue").begin_object();
  json.field("jobs_queued", status.jobs_queued);
  json.field("jobs_running", status.jobs_running);
  json.field("jobs_finished", status.jobs_finished);
  json.field("chunks_waiting", status.chunks_waiting).end_object();
  json.field("sessions", status.sessions).key("memory").begin_object();
  json.field("daemon_rss_bytes", status.daemon_rss_bytes);
  json.key("workers_pss_bytes").counter_or_null(status.workers_pss_bytes);
  json.key("system_used_percent").real(status.system_used_percent).end_object();
  json.key("draining").boolean(status.draining);
  write_health(json, status);
  json.key("totals");
  write_totals(json, status.totals);
  json.key("tokens").begin_array();
  for (const model::TokenStatus& token : status.tokens)
    json.begin_object()
        .field("name", token.name)
        .field("in_use", token.in_use)
        .field("waiting", token.waiting)
        .end_object();
  json.end_array().key("limits").begin_array();
  for (const model::LimitUse& limit : status.limits) write_limit(json, limit);
  json.end_array().key("configuration");
  write_settings(json, status.settings);
  return json.end_object().take();
}

std::string health_to_json(const model::ServerStatus& status) {
  JsonWriter json;
  json.begin_object();
  write_health(json, status);
  return json.end_object().take();
}

std::string plan_to_json(const model::JobPlan& plan) {
  JsonWriter json;
  json.begin_object();
  json.field("path", name_of(plan.path)).field("reason", plan.reason);
  json.field("workers", plan.workers).field("chunks", plan.chunks);
  json.field("leaves", plan.leaves).key("elements");
  if (plan.elements_known)
    json.counter(plan.elements);
  else
    json.null();
  json.field("input_bytes", plan.input_bytes).field("chunk_size", plan.chunk_size);
  json.key("expected_ns").counter_or_null(plan.expected_ns);
  json.field("measured_size", plan.measured_extent);
  return json.end_object().take();
}

std::string jobs_to_json(const std::vector<model::JobSummary>& jobs) {
  JsonWriter json;
  json.begin_object().key("jobs").begin_array();
  for (const model::JobSummary& job : jobs) write_summary(json, job);
  return json.end_array().end_object().take();
}

std::string kernels_to_json(const std::vector<model::ListedKernel>& kernels) {
  JsonWriter json;
  json.begin_object().key("kernels").begin_array();
  for (const model::ListedKernel& kernel : kernels) write_listed_kernel(json, kernel);
  return json.end_array().end_object().take();
}

}  // namespace tally::client

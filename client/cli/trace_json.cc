#include "client/cli/trace_json.h"

#include <array>
#include <cstdio>
#include <set>
#include <string_view>
#include <utility>

#include "client/json_writer.h"

namespace tally::cli {
namespace {

constexpr std::uint64_t kJobPid = 1;
constexpr std::uint64_t kWorkersPid = 2;
constexpr std::uint64_t kPhasesTid = 1;

// Exact: nanoseconds are the third decimal.
std::string microseconds(std::uint64_t ns) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%llu.%03llu",
                static_cast<unsigned long long>(ns / 1000),
                static_cast<unsigned long long>(ns % 1000));
  return text.data();
}

std::uint64_t tid_of(const model::ChunkRecord& record) {
  return std::uint64_t{record.worker} + 1;
}

void write_name(client::JsonWriter& json, std::string_view what, std::uint64_t pid,
                std::uint64_t tid, const std::string& name) {
  json.begin_object().field("name", what).field("ph", "M");
  json.field("pid", pid).field("tid", tid).key("args").begin_object();
  json.field("name", name).end_object().end_object();
}

// Leaves the event open for its args.
void begin_event(client::JsonWriter& json, const std::string& name,
                 std::string_view category, std::uint64_t begin_ns,
                 std::uint64_t duration_ns) {
  json.begin_object().field("name", name).field("cat", category).field("ph", "X");
  json.key("ts").verbatim(microseconds(begin_ns));
  json.key("dur").verbatim(microseconds(duration_ns));
}

void write_names(client::JsonWriter& json, const model::JobAnswer& answer) {
  write_name(json, "process_name", kJobPid, kPhasesTid,
             "job " + model::to_string(answer.id));
  write_name(json, "thread_name", kJobPid, kPhasesTid, "phases");
  const std::string path(model::name_of(answer.path));
  write_name(json, "process_name", kWorkersPid, 0,
             path + " path of tallyd " + std::to_string(answer.daemon_pid));
  const std::string who = answer.path == model::Path::Process ? "worker " : "thread ";
  std::set<std::uint32_t> named;
  for (const model::ChunkRecord& record : answer.trace->records)
    if (named.insert(record.worker).second)
      write_name(json, "thread_name", kWorkersPid, tid_of(record),
                 who + std::to_string(record.worker));
}

// Planning comes first and the reply last; "queue" may have been on both sides of
// planning and is shown as one.
void write_phases(client::JsonWriter& json, const model::JobTimes& time) {
  const std::array<std::pair<const char*, std::uint64_t>, 6> phases{
      {{"plan", time.plan_ns},
       {"queue", time.queue_ns},
       {"run", time.run_ns},
       {"merge", time.merge_ns},
       {"other", time.other_ns},
       {"reply", time.reply_ns}}};
  std::uint64_t begin_ns = 0;
  for (const auto& [name, ns] : phases) {
    begin_event(json, name, "phase", begin_ns, ns);
    json.field("pid", kJobPid).field("tid", kPhasesTid).end_object();
    begin_ns += ns;
  }
}

void write_chunk(client::JsonWriter& json, const model::ChunkRecord& record) {
  begin_event(json, "chunk " + std::to_string(record.chunk), "chunk", record.begin_ns,
              record.end_ns - record.begin_ns);
  json.field("pid", kWorkersPid).field("tid", tid_of(record));
  // A reserved colour: what did not end well is to be seen at once.
  if (record.end != model::ChunkEnd::Done) json.field("cname", "terrible");
  json.key("args").begin_object();
  json.field("chunk", record.chunk).field("attempt", record.attempt);
  json.field("end", model::name_of(record.end));
  json.field("worker", record.worker).field("process", record.pid);
  json.end_object().end_object();
}

void write_cut(client::JsonWriter& json, const model::JobAnswer& answer) {
  json.begin_object();
  json.field("name", std::to_string(answer.trace->left_out) +
                         " further attempts were not recorded");
  json.field("ph", "i").field("s", "g");
  json.key("ts").verbatim(microseconds(answer.trace->records.back().end_ns));
  json.field("pid", kJobPid).field("tid", kPhasesTid).end_object();
}

}  // namespace

std::string trace_to_json(const model::JobAnswer& answer) {
  client::JsonWriter json;
  json.begin_object().field("displayTimeUnit", "ms").key("otherData").begin_object();
  json.field("job", model::to_string(answer.id));
  json.field("state", model::name_of(answer.state));
  json.field("path", model::name_of(answer.path));
  json.field("reason", answer.reason);
  json.field("chunks", answer.chunks);
  json.field("records", std::uint64_t{answer.trace->records.size()});
  json.field("left_out", answer.trace->left_out).end_object();
  json.key("traceEvents").begin_array();
  write_names(json, answer);
  write_phases(json, answer.time);
  for (const model::ChunkRecord& record : answer.trace->records)
    write_chunk(json, record);
  if (answer.trace->left_out != 0 && !answer.trace->records.empty())
    write_cut(json, answer);
  return json.end_array().end_object().take() + "\n";
}

}  // namespace tally::cli

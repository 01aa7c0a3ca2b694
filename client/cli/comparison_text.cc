#include <array>
#include <cstdio>

#include "client/answer_json.h"
#include "client/cli/answer_text.h"
#include "client/cli/comparison.h"
#include "client/cli/report_text.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/units.h"
#include "client/cli/value_text.h"
#include "client/json_writer.h"

namespace tally::cli {
namespace {

std::string ratio(std::uint64_t over, std::uint64_t under) {
  if (under == 0) return "-";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2fx",
                static_cast<double>(over) / static_cast<double>(under));
  return text.data();
}

// "threads", "1 process".
std::string name_of_way(const Way& way, bool with_number) {
  const bool one = way.spec.workers == 1;
  std::string name;
  if (with_number) name = text_of_count(way.spec.workers) + " ";
  if (way.spec.path == model::Path::Thread) return name + (one ? "thread" : "threads");
  return name + (one ? "process" : "processes");
}

std::string memory_of(const model::JobAnswer& answer) {
  if (answer.path == model::Path::Process && answer.memory.workers_pss_bytes)
    return text_of_bytes(*answer.memory.workers_pss_bytes) + " workers' PSS";
  return text_of_bytes(answer.memory.daemon_rss_bytes) + " daemon's RSS";
}

std::string table_of(const Comparison& comparison) {
  const std::vector<Way>& ways = comparison.ways;
  const std::uint64_t slowest = ways.front().median.wall_ns;
  Table table;
  std::vector<std::string> head{"path", "workers", "time", "speed-up", "CPU", "memory"};
  for (const auto& result : ways.front().median.answer.results)
    head.push_back(printable(result.label));
  table.add(std::move(head));
  for (const Way& way : ways) {
    const model::JobAnswer& answer = way.median.answer;
    std::vector<std::string> row{
        std::string(model::name_of(answer.path)),
        text_of_count(answer.workers),
        text_of_time(way.median.wall_ns),
        ratio(slowest, way.median.wall_ns),
        text_of_time(answer.time.cpu_user_ns + answer.time.cpu_system_ns),
        memory_of(answer)};
    for (const auto& result : answer.results)
      row.push_back(text_of_result(result, has_several_files(way.spec)));
    table.add(std::move(row));
  }
  return table.text();
}

std::string parallel_line(const Comparison& comparison) {
  const Way* fastest = nullptr;
  for (const Way& way : comparison.ways)
    if (way.median.answer.workers > 1 &&
        (fastest == nullptr || way.median.wall_ns < fastest->median.wall_ns))
      fastest = &way;
  if (fastest == nullptr) return "parallel helped: no, the pool has one worker\n";
  return std::string("parallel helped: ") +
         (comparison.parallel_helped ? "yes" : "no") + ", " +
         name_of_way(*fastest, true) + " were " +
         ratio(comparison.ways.front().median.wall_ns, fastest->median.wall_ns) +
         " as fast as " + name_of_way(comparison.ways.front(), true) + "\n";
}

std::uint64_t cpu_of(const Way& way) {
  const model::JobTimes& time = way.median.answer.time;
  return time.cpu_user_ns + time.cpu_system_ns;
}

// By how much of `from` the other is more or less: "3.1 % more".
std::string change(std::uint64_t from, std::uint64_t to) {
  const std::uint64_t apart = to > from ? to - from : from - to;
  if (from == 0) return "- ";
  return text_of_share(static_cast<double>(apart) / static_cast<double>(from)) +
         (to > from ? " more" : " less");
}

// What several workers bought and cost over one thread, of each path that has several.
std::string bought_lines(const Comparison& comparison) {
  const Way& one = comparison.ways.front();
  std::string lines;
  for (const Way& way : comparison.ways) {
    if (way.median.answer.workers < 2) continue;
    const std::uint64_t before = one.median.wall_ns;
    const std::uint64_t after = way.median.wall_ns;
    lines += "  " + name_of_way(way, true) + ": " +
             text_of_time(before > after ? before - after : after - before) +
             (before > after ? " saved of " : " lost over ") + text_of_time(before) +
             " with " + name_of_way(one, true) + ", for " +
             change(cpu_of(one), cpu_of(way)) + " CPU\n";
  }
  return lines;
}

// How much of the time they were held each way's workers computed.
std::string computing_line(const Comparison& comparison) {
  std::string line = "computing while held:";
  const char* between = " ";
  for (const Way& way : comparison.ways) {
    if (way.median.answer.worker_usage.empty()) return "";
    line += between + name_of_way(way, true) + " " +
            text_of_share(computing_share(way.median.answer));
    between = ", ";
  }
  return line + "; the rest they waited for chunks\n";
}

// What the processes cost or bought over as many threads.
std::string process_line(const Comparison& comparison) {
  const Way& processes = comparison.ways.back();
  if (comparison.ways.front().spec.path != model::Path::Thread)
    return "kernels run in worker processes: there are no threads to compare with\n";
  const Way& threads = comparison.ways[comparison.ways.size() - 2];
  const std::uint64_t with = processes.median.wall_ns;
  const std::uint64_t without = threads.median.wall_ns;
  const std::uint64_t apart = with > without ? with - without : without - with;
  std::array<char, 32> percent{};
  std::snprintf(
      percent.data(), percent.size(), "%.1f %%",
      without == 0 ? 0.0
                   : 100.0 * static_cast<double>(apart) / static_cast<double>(without));
  std::string line = name_of_way(processes, false) + " over " +
                     name_of_way(threads, false) + ": " + text_of_time(apart) + " (" +
                     percent.data() + ") " + (with > without ? "slower" : "faster");
  const auto& memory = processes.median.answer.memory.workers_pss_bytes;
  if (memory) line += ", " + text_of_bytes(*memory) + " of memory";
  const auto& own = processes.median.answer.memory.workers_anon_bytes;
  if (memory && own) line += " (" + text_of_bytes(*own) + " of it their own)";
  return line + ", and isolation: a crash costs one attempt, not the daemon\n";
}

}  // namespace

std::string text_of_comparison(const Comparison& comparison) {
  return table_of(comparison) +
         "\nall results have the same bits: " + (comparison.same_bits ? "yes" : "NO") +
         "\n" + parallel_line(comparison) + bought_lines(comparison) +
         computing_line(comparison) + process_line(comparison);
}

std::string json_of_comparison(const Comparison& comparison) {
  client::JsonWriter json;
  json.begin_object().key("ways").begin_array();
  for (const Way& way : comparison.ways) {
    const FinishedJob& job = way.median;
    json.verbatim(client::answer_to_json(
        job.answer, client::transport_of(job.wall_ns, job.answer.time.total_ns)));
  }
  json.end_array();
  json.key("same_bits").boolean(comparison.same_bits);
  json.key("parallel_helped").boolean(comparison.parallel_helped);
  return json.end_object().take();
}

}  // namespace tally::cli

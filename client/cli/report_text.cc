#include "client/cli/report_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

#include "client/cli/table.h"
#include "client/cli/units.h"

namespace tally::cli {
namespace {

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string factor(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

// What the chunks took, each by its own clock.
std::uint64_t computed_ns(const model::JobAnswer& answer) {
  std::uint64_t sum = 0;
  for (const model::WorkerUsage& usage : answer.worker_usage) sum += usage.run_ns;
  return sum;
}

std::string runner(const model::JobAnswer& answer) {
  return answer.path == model::Path::Process ? "worker" : "thread";
}

// The largest first; what took no time is left out.
std::string text_of_phases(const model::JobTimes& time, std::uint64_t transport_ns) {
  std::array<std::pair<std::string_view, std::uint64_t>, 7> phases{
      {{"queue", time.queue_ns},
       {"plan", time.plan_ns},
       {"run", time.run_ns},
       {"merge", time.merge_ns},
       {"reply", time.reply_ns},
       {"other", time.other_ns},
       {"transport", transport_ns}}};
  std::ranges::stable_sort(phases, std::ranges::greater(),
                           &std::pair<std::string_view, std::uint64_t>::second);
  const std::uint64_t all = time.total_ns + transport_ns;
  std::string text = text_of_time(all) + " = ";
  const char* between = "";
  for (const auto& [name, ns] : phases) {
    if (ns == 0) continue;
    text.append(between).append(name).append(" ").append(text_of_time(ns));
    text += " (" + text_of_share(ratio(ns, all)) + ")";
    between = " + ";
  }
  return text;
}

std::string text_of_work(const model::JobAnswer& answer) {
  const std::uint64_t computed = computed_ns(answer);
  if (answer.path == model::Path::Inline)
    return "computed " + text_of_time(computed) + " in the daemon itself";
  std::string text = "the " + runner(answer) + (answer.workers == 1 ? "" : "s") +
                     " computed " + text_of_share(computing_share(answer)) +
                     " of the time " + (answer.workers == 1 ? "it was" : "they were") +
                     " held (" + text_of_number(answer.workers, runner(answer)) +
                     " for " + text_of_time(answer.time.run_ns) +
                     "), else waited for chunks or passed them on";
  if (answer.retries != 0)
    text += "; " + text_of_number(answer.retries, "attempt") +
            " lost with a worker count as waiting";
  return text;
}

std::string text_of_cpu(const model::JobAnswer& answer) {
  const std::uint64_t cpu = answer.time.cpu_user_ns + answer.time.cpu_system_ns;
  const std::uint64_t computed = computed_ns(answer);
  std::string text = text_of_time(cpu) + " (user " +
                     text_of_time(answer.time.cpu_user_ns) + ", system " +
                     text_of_time(answer.time.cpu_system_ns) + ")";
  if (computed == 0) return text;
  const double share = ratio(cpu, computed);
  // Of the shortest chunks, reading the clocks is a part that only the CPU's shows.
  if (share > 1.05) return text;
  text += ": on a core " + text_of_share(std::min(share, 1.0)) +
          " of the time they computed";
  if (share < 0.95) text += ", else waiting for input or for a core";
  return text;
}

std::string text_of_memory(const model::JobAnswer& answer) {
  const model::JobMemory& memory = answer.memory;
  std::string text;
  if (memory.workers_pss_bytes)
    text += "the pool's workers " + text_of_bytes(*memory.workers_pss_bytes) +
            " PSS (shared pages in proportion), ";
  if (memory.workers_anon_bytes)
    text += text_of_bytes(*memory.workers_anon_bytes) +
            " of their own (anonymous) in those that ran, ";
  if (memory.peak_rss_bytes)
    text += "at most " + text_of_bytes(*memory.peak_rss_bytes) +
            " resident in one, mapped input included, ";
  text += "daemon " + text_of_bytes(memory.daemon_rss_bytes) + " RSS";
  if (memory.input_bytes != 0)
    text += ", input " + text_of_bytes(memory.input_bytes) + " counted once";
  return text + ", system " + text_of_share(memory.system_used_percent / 100) + " used";
}

std::string text_of_parallelism(const model::JobAnswer& answer) {
  const std::uint64_t computed = computed_ns(answer);
  const std::uint64_t run = answer.time.run_ns;
  const std::string sum = text_of_time(computed) + " of computing took " +
                          text_of_time(run) + ": " + factor(ratio(computed, run)) +
                          " at a time, ";
  if (computed > run) return sum + "saved " + text_of_time(computed - run);
  return sum + "saved nothing";
}

std::string text_of_isolation(const model::JobAnswer& answer) {
  std::string text = "a crash costs one attempt, not the daemon";
  if (answer.retries != 0)
    text += ", as it did " + text_of_number(answer.retries, "time") + " here";
  if (answer.memory.workers_pss_bytes)
    text += "; the price is the pool's memory, " +
            text_of_bytes(*answer.memory.workers_pss_bytes);
  return text;
}

}  // namespace

double computing_share(const model::JobAnswer& answer) {
  return ratio(computed_ns(answer), answer.time.run_ns * answer.workers);
}

std::string text_of_share(double share) {
  if (share > 0 && share < 0.0005) return "<0.1 %";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), share < 0.0995 ? "%.1f %%" : "%.0f %%",
                share * 100);
  return text.data();
}

std::string text_of_report(const model::JobAnswer& answer,
                           const std::optional<std::uint64_t>& transport_ns) {
  Table table;
  table.add({"time", text_of_phases(answer.time, transport_ns.value_or(0))});
  if (!answer.worker_usage.empty()) {
    table.add({"work", text_of_work(answer)});
    table.add({"CPU", text_of_cpu(answer)});
    if (answer.workers > 1) table.add({"parallel", text_of_parallelism(answer)});
  }
  table.add({"memory", text_of_memory(answer)});
  if (answer.path == model::Path::Process)
    table.add({"processes", text_of_isolation(answer)});
  return table.text();
}

}  // namespace tally::cli

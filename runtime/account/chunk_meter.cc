#include "runtime/account/chunk_meter.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace tally::account {
namespace {

std::uint64_t nanoseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(time.tv_usec) * 1'000U;
}

Nanoseconds thread_cpu_ns() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<Nanoseconds>(used.tv_sec) * 1'000'000'000U +
         static_cast<Nanoseconds>(used.tv_nsec);
}

Nanoseconds thread_system_ns() {
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  return nanoseconds(used.ru_stime);
}

std::uint64_t extent(const model::ChunkTask& task) {
  if (const auto* range = std::get_if<model::RangePiece>(&task.piece))
    return range->end - range->begin;
  if (const auto* values = std::get_if<model::ValuesPiece>(&task.piece))
    return values->end - values->begin;
  if (const auto* merge = std::get_if<model::MergePiece>(&task.piece))
    return merge->bytes;
  std::uint64_t total = 0;
  if (const auto* files = std::get_if<model::FilePieces>(&task.piece))
    for (const model::FilePiece& piece : files->pieces)
      total += piece.end - piece.begin;
  return total;
}

// The figure after `key` in /proc/self/status, given there in kB.
std::optional<std::uint64_t> status_bytes(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::size_t from = at + key.size();
  while (from < text.size() && (text[from] == ' ' || text[from] == '\t')) ++from;
  std::uint64_t kib = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data() + from, end, kib).ec != std::errc())
    return std::nullopt;
  return kib * 1024;
}

}  // namespace

SelfFiles SelfFiles::open() {
  SelfFiles files;
  files.clear_refs.reset(::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC));
  files.status.reset(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  return files;
}

void ChunkMeter::start_clocks() {
  system_started_ns_ = thread_system_ns();
  cpu_started_ns_ = system_read_at_ns_ = thread_cpu_ns();
}

void ChunkMeter::arm() {
  start_clocks();
  armed_ = true;
}

void ChunkMeter::start(const model::ChunkTask& task) {
  measure_memory_ = files_ != nullptr && files_->clear_refs && files_->status &&
                    extent(task) >= kMeasuredUnits;
  // "5" resets the high-water mark of resident memory to what is resident now.
  if (measure_memory_ && ::pwrite(files_->clear_refs.get(), "5", 1, 0) != 1)
    measure_memory_ = false;
  if (!std::exchange(armed_, false)) start_clocks();
  started_ns_ = monotonic_ns();
}

model::ChunkUsage ChunkMeter::stop() {
  model::ChunkUsage usage;
  usage.began_ns = started_ns_;
  usage.run_ns = monotonic_ns() - started_ns_;
  const Nanoseconds cpu_now = thread_cpu_ns();
  const Nanoseconds cpu = cpu_now - std::exchange(cpu_started_ns_, cpu_now);
  if (cpu_now - system_read_at_ns_ >= kSplitCpuNs) {
    system_read_at_ns_ = cpu_now;
    const Nanoseconds system_now = thread_system_ns();
    const Nanoseconds system =
        system_now - std::exchange(system_started_ns_, system_now);
    if (cpu >= kSplitCpuNs) usage.cpu_system_ns = std::min(system, cpu);
  }
  usage.cpu_user_ns = cpu - usage.cpu_system_ns;
  if (!measure_memory_) return usage;
  std::array<char, 4096> text{};
  const ssize_t got = ::pread(files_->status.get(), text.data(), text.size(), 0);
  if (got <= 0) return usage;
  const std::string_view status(text.data(), static_cast<std::size_t>(got));
  usage.peak_rss_bytes = status_bytes(status, "VmHWM:");
  usage.anon_bytes = status_bytes(status, "RssAnon:");
  return usage;
}

}  // namespace tally::account

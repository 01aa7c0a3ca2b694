#include "runtime/account/process_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "ipc/base/unique_fd.h"

namespace tally::account {
namespace {

constexpr Nanoseconds kRefresh = 100'000'000;

// Reads a small file of /proc whole; empty if that fails.
std::string read_file(const char* path) {
  const UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!fd) return text;
  std::array<char, 4096> part;
  for (;;) {
    const ssize_t got = ::read(fd.get(), part.data(), part.size());
    if (got <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

std::optional<std::uint64_t> kib_after(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  std::size_t from = at + key.size();
  while (from < text.size() && text[from] == ' ') ++from;
  std::uint64_t kib = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data() + from, end, kib).ec != std::errc())
    return std::nullopt;
  return kib;
}

}  // namespace

std::optional<std::uint64_t> own_rss_bytes() {
  const std::string text = read_file("/proc/self/statm");
  const std::size_t space = text.find(' ');
  if (space == std::string::npos) return std::nullopt;
  std::uint64_t pages = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data() + space + 1, end, pages).ec != std::errc())
    return std::nullopt;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<ProcessMemory> process_memory(std::uint32_t pid) {
  const std::string text =
      read_file(("/proc/" + std::to_string(pid) + "/smaps_rollup").c_str());
  const auto rss = kib_after(text, "Rss:");
  const auto pss = kib_after(text, "Pss:");
  if (!rss || !pss) return std::nullopt;
  return ProcessMemory{*rss * 1024, *pss * 1024};
}

std::optional<double> system_used_percent() {
  const std::string text = read_file("/proc/meminfo");
  const auto total = kib_after(text, "MemTotal:");
  const auto available = kib_after(text, "MemAvailable:");
  if (!total || !available || *total == 0) return std::nullopt;
  const auto used = static_cast<double>(*total) - static_cast<double>(*available);
  return 100.0 * used / static_cast<double>(*total);
}

void MemoryGauge::refresh_if_old(Nanoseconds now_ns) {
  if (read_ns_ != 0 && now_ns - read_ns_ < kRefresh) return;
  read_ns_ = now_ns;
  own_rss_bytes_ = account::own_rss_bytes().value_or(0);
  system_used_percent_ = account::system_used_percent().value_or(0.0);
}

}  // namespace tally::account

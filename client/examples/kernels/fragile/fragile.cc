// fragile: sums the field `bytes=` of log lines, and crashes on a line without one, as
// code does that was written in a hurry. What tally makes of that: the job fails, says
// which file and which rows killed the worker, and nothing else notices.
#include <cstdlib>
#include <cstring>
#include <tally/tally_kernel.hpp>

struct Fragile {
  static constexpr auto name = "fragile";
  static constexpr auto summary =
      "the sum of bytes=N over log lines; crashes without one";
  static constexpr bool exact = true;

  std::uint64_t bytes = 0;

  void update(std::span<const std::string_view> lines) {
    for (const std::string_view line : lines) {
      const char* field = find(line, "bytes=");
      bytes += std::strtoull(field + 6, nullptr, 10);  // the bug: field may be null
    }
  }

  void merge(const Fragile& other) { bytes += other.bytes; }
  std::uint64_t finish() const { return bytes; }

  // In a copy that ends with NUL, as strtoull wants it.
  const char* find(std::string_view line, const char* key) {
    static thread_local char copy[256];
    const std::size_t size = std::min(line.size(), sizeof copy - 1);
    std::memcpy(copy, line.data(), size);
    copy[size] = 0;
    return std::strstr(copy, key);
  }
};
TALLY_KERNEL(Fragile)

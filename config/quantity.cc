#include "config/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include "ipc/base/check.h"

namespace tally::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 5> kByteUnits{{
    {"B", 1},
    {"KiB", std::uint64_t{1} << 10},
    {"MiB", std::uint64_t{1} << 20},
    {"GiB", std::uint64_t{1} << 30},
    {"TiB", std::uint64_t{1} << 40},
}};

constexpr std::array<Unit, 6> kDurationUnits{{
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"min", 60'000'000'000},
    {"h", 3'600'000'000'000},
}};

struct Scale {
  std::span<const Unit> units;
  std::string_view accepted;  // for people
  std::uint64_t largest;      // of the product
  bool unit_may_be_missing;   // else only for 0
};

constexpr Scale kBytes{kByteUnits,
                       "a size such as 4096, \"64KiB\", \"16MiB\" or \"1GiB\"",
                       std::numeric_limits<std::uint64_t>::max(), true};
constexpr Scale kDurations{
    kDurationUnits, "a duration such as \"250ms\", \"10s\", \"5min\" or \"1h\"",
    static_cast<std::uint64_t>(std::chrono::nanoseconds::max().count()), false};

std::string quoted(std::string_view text) {
  std::string result(1, '"');
  result += text;
  result += '"';
  return result;
}

Error refusal(std::string_view text, const Scale& scale, std::string_view why) {
  std::string message = quoted(text) + ": ";
  message += why;
  message += "; expected ";
  message += scale.accepted;
  return Error(Errc::InvalidArgument, "bad_quantity", std::move(message));
}

Result<std::uint64_t> parse(std::string_view text, const Scale& scale) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, status] = std::from_chars(text.data(), end, count);
  if (status == std::errc::result_out_of_range)
    return refusal(text, scale, "too large");
  if (status != std::errc())
    return refusal(text, scale, "does not start with a number");

  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  if (name.empty()) {
    if (scale.unit_may_be_missing || count == 0) return count;
    return refusal(text, scale, "has no unit");
  }
  const auto unit = std::ranges::find(scale.units, name, &Unit::name);
  if (unit == scale.units.end())
    return refusal(text, scale, quoted(name) + " is not a unit");
  if (count > scale.largest / unit->factor) return refusal(text, scale, "too large");
  return count * unit->factor;
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
  return parse(text, kBytes);
}

Result<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const Result<std::uint64_t> count = parse(text, kDurations);
  if (!count) return count.error();
  return std::chrono::nanoseconds(static_cast<std::int64_t>(*count));
}

std::string format_duration(std::chrono::nanoseconds duration) {
  TALLY_CHECK(duration.count() >= 0);
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0s";
  // The first unit has the factor 1, so the search always ends inside the table.
  auto unit = kDurationUnits.rbegin();
  while (count % unit->factor != 0) ++unit;
  return std::to_string(count / unit->factor) + std::string(unit->name);
}

}  // namespace tally::config

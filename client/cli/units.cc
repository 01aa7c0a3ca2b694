#include "client/cli/units.h"

#include <array>
#include <cstdio>
#include <span>
#include <string_view>

namespace tally::cli {
namespace {

// Three digits that mean something: "1.23", "12.3", "123".
std::string three_digits(double value) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return {text.data(), static_cast<std::size_t>(length)};
}

// The value in the largest of the units, `step` apart, in which it is at least one.
std::string scaled(double value, double step, std::span<const std::string_view> units) {
  std::size_t unit = 0;
  // What would be rounded up to a whole step belongs to the next unit.
  while (unit + 1 < units.size() && value >= step * 0.9995) {
    value /= step;
    ++unit;
  }
  return three_digits(value) + " " + std::string(units[unit]);
}

constexpr std::array<std::string_view, 5> kByteUnits{"B", "KiB", "MiB", "GiB", "TiB"};
constexpr std::array<std::string_view, 4> kTimeUnits{"ns", "us", "ms", "s"};
constexpr std::array<std::string_view, 5> kCountUnits{
    "elements", "k elements", "M elements", "G elements", "T elements"};

}  // namespace

std::string text_of_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string text_of_time(std::uint64_t ns) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t seconds = ns / kSecond;
  if (seconds >= 3600)
    return std::to_string(seconds / 3600) + " h " + std::to_string(seconds / 60 % 60) +
           " min";
  if (seconds >= 120)
    return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  if (ns < 1000) return std::to_string(ns) + " ns";
  return scaled(static_cast<double>(ns), 1000, kTimeUnits);
}

std::string text_of_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  return scaled(static_cast<double>(bytes), 1024, kByteUnits);
}

std::string text_of_rate(std::uint64_t count, std::uint64_t ns, bool in_bytes) {
  if (ns == 0) return "";
  const double a_second = static_cast<double>(count) / static_cast<double>(ns) * 1e9;
  if (in_bytes) return scaled(a_second, 1024, kByteUnits) + "/s";
  return scaled(a_second, 1000, kCountUnits) + "/s";
}

std::string text_of_number(std::uint64_t count, const std::string& thing) {
  return text_of_count(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace tally::cli

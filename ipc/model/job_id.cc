#include "ipc/model/job_id.h"

#include <charconv>
#include <cstdio>

namespace tally::model {
namespace {

std::string hex16(std::uint64_t value) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(value));
  return digits;
}

}  // namespace

std::string to_string(JobId id) {
  return hex16(id.tag) + "-" + std::to_string(id.number);
}

std::string short_name(JobId id) {
  return hex16(id.tag).substr(0, 4) + "-" + std::to_string(id.number);
}

bool JobIdPattern::matches(JobId id) const noexcept {
  const unsigned shift = 64 - 4 * tag_digits;
  return number == id.number && (id.tag >> shift) == (tag_prefix >> shift);
}

std::optional<JobIdPattern> parse_job_id(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos || dash == 0 || dash > 16) return std::nullopt;
  JobIdPattern pattern;
  const char* end = text.data() + dash;
  const auto tag = std::from_chars(text.data(), end, pattern.tag_prefix, 16);
  if (tag.ec != std::errc() || tag.ptr != end) return std::nullopt;
  pattern.tag_digits = static_cast<unsigned>(dash);
  pattern.tag_prefix <<= 64 - 4 * pattern.tag_digits;
  const char* last = text.data() + text.size();
  const auto number = std::from_chars(end + 1, last, pattern.number);
  if (number.ec != std::errc() || number.ptr != last) return std::nullopt;
  return pattern;
}

}  // namespace tally::model

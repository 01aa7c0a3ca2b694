// JobId: names a job for ever, across restarts of the daemon.
//
// `tag` is drawn at random when a daemon starts, so that an id from before a restart
// is recognised and never answered with somebody else's job.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tally::model {

struct JobId {
  std::uint64_t tag = 0;
  std::uint64_t number = 0;  // 1, 2, … within one daemon's life
  friend bool operator==(const JobId&, const JobId&) = default;
};

// "7f3a91c2004be810-17": sixteen hex digits, a dash, the number.
std::string to_string(JobId id);
// "7f3a-17": the first four hex digits; enough for people.
std::string short_name(JobId id);

// What a person typed: the tag may be cut to its first digits (at least one).
struct JobIdPattern {
  std::uint64_t tag_prefix = 0;  // left-aligned: the digits given, then zeros
  unsigned tag_digits = 16;
  std::uint64_t number = 0;
  bool matches(JobId id) const noexcept;
};

// None if `text` has not the form HEX-NUMBER.
std::optional<JobIdPattern> parse_job_id(std::string_view text);

}  // namespace tally::model

// SubmitDigest: tells whether two submits ask for the same job.
//
// Only asked of jobs whose client gave them an id. The spec counts whole, so elements
// that came inside of it count by content; a descriptor counts by what it is open on:
// device and inode, and of what is no stream also its size and the time of its last
// change. Neither is kept, 16 bytes of their SHA-256 are.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "ipc/base/unique_fd.h"
#include "ipc/model/job_spec.h"

namespace tally::job {

struct SubmitDigest {
  std::array<std::byte, 16> spec{};
  std::array<std::byte, 16> inputs{};
  friend bool operator==(const SubmitDigest&, const SubmitDigest&) = default;
};

// None where nobody can tell: the files of a windowed source come later, from the
// session that submitted the job. Does not block: of a file on a network it takes what
// the kernel knows.
std::optional<SubmitDigest> digest_of(const model::JobSpec& spec,
                                      std::span<const UniqueFd> fds);

}  // namespace tally::job

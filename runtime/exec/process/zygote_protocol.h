// What daemon and zygote say to each other over their SEQPACKET socketpair.
//
// Fixed structs in host order: both ends are one build (the worker's hello checks it),
// and the zygote stays so small that it needs no decoder. One message a packet.
// The request carries three descriptors: the worker's end of its link, the memfd of its
// page, that of its output.
// Forked carries one: the worker's pidfd, opened before the zygote can reap it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tally::exec {

inline constexpr int kZygoteSocket = 3;  // the zygote's end, placed there by the spawn
inline constexpr int kZygoteOwner = 4;   // an orphan's: a pidfd of whom it serves
// Followed by the sandbox of its workers (argument_of).
inline constexpr const char* kZygoteArgument = "--zygote";
inline constexpr const char* kOrphanArgument = "--orphan-zygote";

struct ForkRequest {
  std::uint64_t serial = 0;  // names the worker; never used twice
};

enum class ZygoteReport : std::uint32_t { Forked = 1, ForkFailed = 2, Died = 3 };

struct ZygoteMessage {
  ZygoteReport report = ZygoteReport::Forked;
  std::int32_t pid = 0;      // of the worker
  std::uint64_t serial = 0;  // of the worker, as in its ForkRequest
  std::int32_t code = 0;  // Died: CLD_EXITED, CLD_KILLED, CLD_DUMPED; ForkFailed: errno
  std::int32_t status = 0;    // Died: exit status or signal
  std::uint64_t user_ns = 0;  // Died: CPU time of its life
  std::uint64_t system_ns = 0;
  std::uint64_t max_rss_bytes = 0;
};

static_assert(sizeof(ZygoteMessage) == 48);

}  // namespace tally::exec

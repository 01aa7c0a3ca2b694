// Access: who may be a client of this daemon, and who is an administrator of it.
//
// Decided by what the kernel says of the peer when it connected: its uid
// (SO_PEERCRED) and its groups (SO_PEERGROUPS: the supplementary ones, which the first
// lacks). The daemon's own user and root are administrators always. The overflow uid is
// refused even then: it is whoever has no name in our user namespace. An overflow gid
// counts for nothing.
//
// decide() is pure; the configuration's lists are ids by then (config/accounts.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/config.h"
#include "ipc/base/error.h"
#include "ipc/base/result.h"
#include "ipc/peer.h"

namespace tally::daemon {

struct Access {
  std::uint32_t own_uid = 0;
  std::uint32_t overflow_uid = 0;
  std::uint32_t overflow_gid = 0;
  config::AccessConfig lists;
};

// The lists, with this process's uid and this system's overflow ids.
Access access_of(const config::AccessConfig& lists);

struct Admission {
  bool administrator = false;
  // PermissionDenied "not_admitted", field "uid"; not set: admitted.
  std::optional<Error> refusal;
};

// `groups`: the peer's supplementary groups; its primary one is in `peer`.
Admission decide(const ipc::Peer& peer, std::span<const std::uint32_t> groups,
                 const Access& access);

// The peer's supplementary groups when it connected. Errors: Io.
Result<std::vector<std::uint32_t>> groups_of_peer(int socket);

}  // namespace tally::daemon

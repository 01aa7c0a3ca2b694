#include "daemon/access.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "config/accounts.h"

namespace tally::daemon {
namespace {

bool holds(const std::vector<std::uint32_t>& list, std::uint32_t id) {
  return std::ranges::find(list, id) != list.end();
}

bool any_group(const std::vector<std::uint32_t>& list, const ipc::Peer& peer,
               std::span<const std::uint32_t> groups, std::uint32_t overflow_gid) {
  const auto listed = [&](std::uint32_t gid) {
    return gid != overflow_gid && holds(list, gid);
  };
  return listed(peer.gid) || std::ranges::any_of(groups, listed);
}

Error refused(const ipc::Peer& peer, const std::string& why) {
  return Error(Errc::PermissionDenied, "not_admitted", why)
      .with("uid", std::int64_t{peer.uid});
}

}  // namespace

Access access_of(const config::AccessConfig& lists) {
  return {::geteuid(), config::overflow_id(config::AccountKind::User),
          config::overflow_id(config::AccountKind::Group), lists};
}

Admission decide(const ipc::Peer& peer, std::span<const std::uint32_t> groups,
                 const Access& access) {
  if (peer.uid == access.overflow_uid)
    return {false, refused(peer, "uid " + std::to_string(peer.uid) +
                                     " stands for every user that has no name in the "
                                     "daemon's user namespace, and is not admitted")};
  const config::AccessConfig& lists = access.lists;
  if (peer.uid == 0 || peer.uid == access.own_uid ||
      holds(lists.administrators, peer.uid) ||
      any_group(lists.admin_groups, peer, groups, access.overflow_gid))
    return {true, std::nullopt};
  if (holds(lists.users, peer.uid) ||
      any_group(lists.groups, peer, groups, access.overflow_gid))
    return {false, std::nullopt};
  return {false,
          refused(peer, "this daemon admits neither uid " + std::to_string(peer.uid) +
                            " nor a group of it; it runs for uid " +
                            std::to_string(access.own_uid) +
                            ", for root, and for whom its [access] lists")};
}

Result<std::vector<std::uint32_t>> groups_of_peer(int socket) {
  static_assert(sizeof(gid_t) == sizeof(std::uint32_t));
  std::vector<std::uint32_t> groups(32);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(std::uint32_t));
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) {
      groups.resize(size / sizeof(std::uint32_t));
      return groups;
    }
    // Too many for the buffer: the kernel has said how many bytes they take.
    if (errno != ERANGE || size <= groups.size() * sizeof(std::uint32_t))
      return Error::from_errno("SO_PEERGROUPS");
    groups.resize(size / sizeof(std::uint32_t));
  }
}

}  // namespace tally::daemon

// Accounts: the uid or gid that a configuration means by a name or a number.
//
// Looks at the system's user database, once, when the file is read; with accounts on a
// network that may take as long as the network takes.
//
// The overflow ids are no one's: the kernel shows them for every account that has no
// name in this user namespace, so admitting one would admit all of those.
#pragma once

#include <cstdint>
#include <string_view>

#include "ipc/base/result.h"

namespace tally::config {

enum class AccountKind : std::uint8_t { User, Group };

// What the kernel says in place of a uid or gid that it cannot map; 65534 unless the
// system was set up otherwise.
std::uint32_t overflow_id(AccountKind kind);

// Errors: InvalidArgument (no such account, or it is the overflow one), Io (the
// database cannot be read). The message is for the file's problems.
Result<std::uint32_t> account_named(std::string_view name, AccountKind kind);
Result<std::uint32_t> account_id(std::int64_t id, AccountKind kind);

}  // namespace tally::config

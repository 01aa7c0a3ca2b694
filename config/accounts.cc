#include "config/accounts.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <limits>
#include <string>
#include <vector>

#include "ipc/base/unique_fd.h"

namespace tally::config {
namespace {

constexpr std::uint32_t kUsualOverflowId = 65'534;
constexpr std::size_t kFirstBuffer = 4096;
constexpr std::size_t kMostBuffer = std::size_t{1} << 20;  // a group has many members
constexpr std::size_t kMostShown = 60;

std::string_view noun(AccountKind kind) {
  return kind == AccountKind::User ? "user" : "group";
}

// 0 and `found` false: there is none of that name.
int look_up(const std::string& name, AccountKind kind, std::vector<char>& buffer,
            std::uint32_t& id, bool& found) {
  if (kind == AccountKind::User) {
    passwd entry{};
    passwd* result = nullptr;
    const int error =
        ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &result);
    found = result != nullptr;
    id = entry.pw_uid;
    return error;
  }
  group entry{};
  group* result = nullptr;
  const int error =
      ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &result);
  found = result != nullptr;
  id = entry.gr_gid;
  return error;
}

Error no_such(std::string_view name, AccountKind kind) {
  std::string shown;
  for (const char byte : name.substr(0, kMostShown)) {
    const auto code = static_cast<unsigned char>(byte);
    shown += code < 0x20 || code == 0x7F ? '?' : byte;
  }
  return Error(Errc::InvalidArgument, "no_such_account",
               "there is no " + std::string(noun(kind)) + " \"" + shown + "\" here");
}

}  // namespace

std::uint32_t overflow_id(AccountKind kind) {
  const char* const path = kind == AccountKind::User ? "/proc/sys/kernel/overflowuid"
                                                     : "/proc/sys/kernel/overflowgid";
  const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
  std::array<char, 16> text{};
  const ssize_t got = file ? ::read(file.get(), text.data(), text.size()) : -1;
  std::uint32_t id = 0;
  if (got <= 0 || std::from_chars(text.data(), text.data() + got, id).ec != std::errc())
    return kUsualOverflowId;
  return id;
}

Result<std::uint32_t> account_id(std::int64_t id, AccountKind kind) {
  // The largest is (uid_t)-1, which system calls read as "no change".
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max() - 1;
  if (id < 0 || id > kMost)
    return Error(Errc::InvalidArgument, "bad_id",
                 "expected an id from 0 to " + std::to_string(kMost) + ", found " +
                     std::to_string(id));
  if (id == overflow_id(kind))
    return Error(Errc::InvalidArgument, "overflow_id",
                 std::to_string(id) + " stands for every " + std::string(noun(kind)) +
                     " that the kernel cannot name here, and is never admitted");
  return static_cast<std::uint32_t>(id);
}

Result<std::uint32_t> account_named(std::string_view name, AccountKind kind) {
  if (name.empty() || name.find('\0') != std::string_view::npos)
    return no_such(name, kind);
  std::vector<char> buffer(kFirstBuffer);
  for (;;) {
    std::uint32_t id = 0;
    bool found = false;
    const int error = look_up(std::string(name), kind, buffer, id, found);
    if (error == EINTR) continue;
    if (error == ERANGE && buffer.size() < kMostBuffer) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    if (found) return account_id(id, kind);
    // Some name services answer ENOENT and the like for a name they do not have.
    if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF ||
        error == EPERM)
      return no_such(name, kind);
    errno = error;
    return Error::from_errno("looking up the " + std::string(noun(kind)) + " \"" +
                             std::string(name) + "\"");
  }
}

}  // namespace tally::config

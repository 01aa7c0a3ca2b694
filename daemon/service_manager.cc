#include "daemon/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ipc/base/clock.h"
#include "ipc/base/unique_fd.h"

namespace tally::daemon {
namespace {

struct Address {
  sockaddr_un socket{};
  socklen_t size = 0;
};

// As sd_notify(3) says: a path, or, with '@', an abstract name.
std::optional<Address> manager_address() {
  const char* const name = std::getenv("NOTIFY_SOCKET");
  if (name == nullptr || (name[0] != '/' && name[0] != '@')) return std::nullopt;
  const std::string_view text(name);
  Address address;
  address.socket.sun_family = AF_UNIX;
  if (text.size() >= sizeof(address.socket.sun_path)) return std::nullopt;
  text.copy(address.socket.sun_path, text.size());
  if (text.front() == '@') address.socket.sun_path[0] = '\0';
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size());
  return address;
}

}  // namespace

void notify_ready() {
  ::sd_notify(0, "READY=1");
}

void notify_reloading() {
  const std::string state =
      "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_ns() / 1000);
  ::sd_notify(0, state.c_str());
}

void notify_stopping() {
  ::sd_notify(0, "STOPPING=1");
}

std::optional<std::chrono::microseconds> watchdog_timeout() {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return std::chrono::microseconds(microseconds);
}

void notify_alive() {
  static const std::optional<Address> manager = manager_address();
  if (!manager) return;
  const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  constexpr std::string_view kAlive = "WATCHDOG=1";
  ::sendto(socket.get(), kAlive.data(), kAlive.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&manager->socket), manager->size);
}

}  // namespace tally::daemon

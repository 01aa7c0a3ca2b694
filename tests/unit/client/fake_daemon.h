// FakeDaemon: the far end of a socket, played by a script on a thread of its own.
//
// The script asks for requests and says what it likes, true or not. The destructor
// waits for it, so a script must end: it does when the client closes.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "ipc/codec/control_codec.h"
#include "ipc/fd_passing.h"
#include "ipc/frame_reader.h"

namespace tally::client {

struct Asked {
  std::uint32_t sequence = 0;
  model::Request request;
  std::vector<UniqueFd> fds;
};

class FakeDaemon {
 public:
  using Script = std::function<void(FakeDaemon&)>;

  explicit FakeDaemon(Script script) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    client_end_ = UniqueFd(ends[0]);
    socket_ = UniqueFd(ends[1]);
    thread_ = std::thread([this, script = std::move(script)] {
      script(*this);
      socket_.reset();
    });
  }
  // Listens there; the script takes each connection with accept().
  FakeDaemon(const std::string& path, Script script)
      : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address),
                     sizeof address),
              0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    thread_ = std::thread([this, script = std::move(script)] {
      script(*this);
      socket_.reset();
    });
  }
  ~FakeDaemon() {
    client_end_.reset();
    if (listener_) (void)::shutdown(listener_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }
  void join() { thread_.join(); }

  // For the test.
  UniqueFd take_client_end() { return std::move(client_end_); }

  // For the script: the next connection; the one before is closed.
  void accept() {
    socket_.reset();
    reader_.emplace(ipc::FrameLimits{});
    socket_ = UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

  // None: the client is gone.
  std::optional<Asked> next() {
    for (;;) {
      Result<std::optional<ipc::Frame>> frame = reader_->next();
      EXPECT_TRUE(frame);
      if (!frame) return std::nullopt;
      if (*frame) return asked(std::move(**frame));
      const Result<ipc::Transfer> got = reader_->receive(socket_.get(), 0);
      if (!got || *got == ipc::Transfer::Closed) return std::nullopt;
    }
  }

  void reply(std::uint32_t sequence, const model::Reply& reply) {
    ipc::Bytes out;
    ipc::append_reply(out, sequence, reply);
    send(out);
  }
  void event(std::uint32_t sequence, const model::Event& event) {
    ipc::Bytes out;
    ipc::append_event(out, sequence, event);
    send(out);
  }
  void send(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const Result<ipc::Moved> moved = ipc::send_with_fds(socket_.get(), bytes, {}, 0);
      if (!moved || moved->state != ipc::Transfer::Moved) return;
      bytes = bytes.subspan(moved->bytes);
    }
  }

  // The hello that a correct daemon gives.
  void greet(std::uint32_t protocol = ipc::kProtocolVersion) {
    greet(model::Hello{protocol, 0, "9.9", 4000});
  }
  void greet(const model::Hello& ours) {
    if (const auto hello = next()) reply(hello->sequence, ours);
  }
  void wait_for_the_end() {
    while (next()) {
    }
  }

 private:
  static std::optional<Asked> asked(ipc::Frame frame) {
    Result<model::Request> request = ipc::read_request(frame.body);
    EXPECT_TRUE(request);
    if (!request) return std::nullopt;
    return Asked{frame.header.sequence, *std::move(request), std::move(frame.fds)};
  }

  UniqueFd client_end_;
  UniqueFd socket_;
  UniqueFd listener_;
  std::optional<ipc::FrameReader> reader_{ipc::FrameLimits{}};
  std::thread thread_;
};

}  // namespace tally::client

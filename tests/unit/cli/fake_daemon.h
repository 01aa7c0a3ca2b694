// FakeDaemon: the other end of a Client, which answers what a test tells it to.
//
// It speaks the wire on a thread of its own until the client goes away. The script is
// called on that thread, for every request but the hello.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "client/client.h"
#include "ipc/codec/control_codec.h"
#include "ipc/frame_reader.h"

namespace tally::cli {

// What goes back for one request: sequence and reply, in order.
using Replies = std::vector<std::pair<std::uint32_t, model::Reply>>;
using Script =
    std::function<Replies(std::uint32_t sequence, const model::Request& request)>;

class FakeDaemon {
 public:
  explicit FakeDaemon(Script script) : script_(std::move(script)) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    ours_ = UniqueFd(ends[0]);
    thread_ = std::thread([this] { serve(); });
    Result<std::unique_ptr<client::Client>> client =
        client::Client::adopt(UniqueFd(ends[1]), {});
    if (client) client_ = std::move(*client);
  }
  ~FakeDaemon() {
    client_.reset();  // ends serve()
    if (thread_.joinable()) thread_.join();
  }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  // nullptr: no connection came about.
  client::Client* client() { return client_.get(); }

 private:
  void serve() {
    ipc::FrameReader reader({});
    for (;;) {
      const Result<ipc::Transfer> received = reader.receive(ours_.get(), 0);
      if (!received || *received == ipc::Transfer::Closed) return;
      for (;;) {
        Result<std::optional<ipc::Frame>> frame = reader.next();
        if (!frame || !*frame) break;
        answer(**frame);
      }
    }
  }

  void answer(const ipc::Frame& frame) {
    const Result<model::Request> request = ipc::read_request(frame.body);
    if (!request) return;
    const std::uint32_t sequence = frame.header.sequence;
    Replies replies;
    if (std::holds_alternative<model::Hello>(*request)) {
      replies = {{sequence, model::Hello{ipc::kProtocolVersion, 0, "fake", 1}}};
    } else {
      replies = script_(sequence, *request);
    }
    ipc::Bytes out;
    for (const auto& [to, reply] : replies) ipc::append_reply(out, to, reply);
    if (!out.empty()) (void)::send(ours_.get(), out.data(), out.size(), MSG_NOSIGNAL);
  }

  const Script script_;
  UniqueFd ours_;
  std::thread thread_;
  std::unique_ptr<client::Client> client_;
};

}  // namespace tally::cli

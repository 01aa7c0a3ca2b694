// Listener: a daemon on a real socket, played by a function; and what tests of the C
// ABI begin with: a client of it, a job, an outcome that frees itself.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "client/include/tally/tally.h"
#include "ipc/codec/control_codec.h"
#include "ipc/fd_passing.h"
#include "ipc/frame_reader.h"

namespace tally {

using Answerer = std::function<model::Reply(const model::Request&)>;

// What the daemon's side can say.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}
  void reply(std::uint32_t sequence, const model::Reply& reply) {
    ipc::Bytes out;
    ipc::append_reply(out, sequence, reply);
    (void)ipc::send_with_fds(socket_, out, {}, 0);
  }
  void event(std::uint32_t sequence, const model::JobProgress& progress) {
    ipc::Bytes out;
    ipc::append_event(out, sequence, progress);
    (void)ipc::send_with_fds(socket_, out, {}, 0);
  }
  void hang_up() { (void)::shutdown(socket_, SHUT_RDWR); }

 private:
  int socket_;
};

using Talker = std::function<void(Peer&, std::uint32_t, const model::Request&)>;

// Listens on a socket, takes one client, greets it, and does with each request what a
// function says.
class Listener {
 public:
  explicit Listener(Answerer answer)
      : Listener([answer = std::move(answer)](Peer& peer, std::uint32_t sequence,
                                              const model::Request& request) {
          peer.reply(sequence, answer(request));
        }) {}
  explicit Listener(Talker talk) {
    std::string pattern = std::filesystem::temp_directory_path() / "tally-XXXXXX";
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ / "s";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* at = reinterpret_cast<const sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.get(), at, sizeof address), 0);
    EXPECT_EQ(::listen(socket_.get(), 1), 0);
    thread_ = std::thread([this, talk = std::move(talk)] { serve(talk); });
  }
  ~Listener() {
    thread_.join();
    std::filesystem::remove_all(folder_);
  }
  const char* path() const { return path_.c_str(); }

 private:
  void serve(const Talker& talk) {
    const UniqueFd socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    Peer peer(socket.get());
    ipc::FrameReader reader({});
    for (;;) {
      const Result<ipc::Transfer> got = reader.receive(socket.get(), 0);
      if (!got || *got == ipc::Transfer::Closed) return;
      for (;;) {
        const Result<std::optional<ipc::Frame>> frame = reader.next();
        if (!frame || !*frame) break;
        const Result<model::Request> request = ipc::read_request((*frame)->body);
        if (!request) return;
        const std::uint32_t sequence = (*frame)->header.sequence;
        if (std::holds_alternative<model::Hello>(*request))
          peer.reply(sequence, model::Hello{1, 0, "9.9", 1});
        else
          talk(peer, sequence, *request);
      }
    }
  }

  std::filesystem::path folder_;
  std::string path_;
  UniqueFd socket_;
  std::thread thread_;
};

inline tally_client* connect(const Listener& daemon, uint64_t flags = 0) {
  tally_connect_options options{};
  options.struct_size = sizeof options;
  options.socket_path = daemon.path();
  options.flags = flags;
  tally_client* client = nullptr;
  EXPECT_EQ(tally_connect(&options, &client, nullptr), TALLY_OK);
  return client;
}

inline tally_job* range_job() {
  tally_job* job = nullptr;
  EXPECT_EQ(tally_job_new(&job, nullptr), TALLY_OK);
  EXPECT_EQ(tally_job_add_reducer(job, "sum", nullptr, nullptr, nullptr), TALLY_OK);
  EXPECT_EQ(tally_job_set_range(job, 0, 10, 1, nullptr), TALLY_OK);
  return job;
}

struct Outcome {
  tally_status status = TALLY_OK;
  tally_answer* answer = nullptr;
  tally_error* error = nullptr;
  Outcome() = default;
  Outcome(const Outcome&) = delete;
  Outcome& operator=(const Outcome&) = delete;
  ~Outcome() {
    tally_answer_free(answer);
    tally_error_free(error);
  }
};

}  // namespace tally

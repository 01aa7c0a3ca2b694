// Client::Impl: the parts of a Client, for client.cc and client_return.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "client/client.h"
#include "client/connection.h"
#include "client/kept_job.h"

namespace tally::client {

struct Client::Impl {
  // A request whose reply is outstanding, or has come and was not fetched.
  struct Slot {
    std::optional<model::Reply> reply;
    std::unique_ptr<KeptJob> kept;  // until the reply is there
    ProgressCallback progress;
    FileOpener files;
    std::optional<model::JobId> attached;  // a wait for this job, no submit
    bool for_ticket = false;               // a ticket's: told by next_ready()
    bool discard = false;                  // nobody will fetch the reply
    bool cancelled = false;                // its job's end was asked for
  };

  // A connection that was lost while the daemon may still have jobs of ours.
  struct Loss {
    Error why;
    Nanoseconds until_ns = 0;  // no longer than the daemon waits for us
    Nanoseconds pause_ns = 0;  // before the next attempt
  };

  explicit Impl(UniqueFd socket) { connection.emplace(std::move(socket)); }

  Result<std::uint32_t> queue(const model::Request& request, std::span<const int> fds);
  Result<void> queue_cancel(std::uint32_t submitted);
  Result<void> send_early();
  Result<void> take_frames();
  Result<void> take(const ipc::Frame& frame);
  Result<void> take_reply(const ipc::Frame& frame);
  Result<void> take_event(const ipc::Frame& frame);
  Result<void> send_files(std::uint32_t sequence, const FileOpener& open,
                          const model::NeedFiles& need);
  // Makes `step`'s error the connection's end if it is one.
  Result<void> checked(Result<void> step);
  void lost(const Error& why);
  bool is_ready(std::uint32_t sequence) const;
  void tidy_ready();
  Result<void> receive(const Patience& patience);
  Result<void> exchange(const Patience& patience);
  // client_return.cc
  std::unique_ptr<KeptJob> keep(model::Submit& request, std::span<const int> fds);
  bool awaits_kept_jobs() const;
  bool may_come_back(const Error& error) const;
  Result<void> come_back(const Patience& patience);
  Result<std::optional<Connection>> dial_again(const Patience& patience);
  void submit_again(const Error& why);
  void submit_again(std::uint32_t sequence, const Error& why);
  Result<model::Reply> wait(std::uint32_t sequence, const Patience& patience);

  std::optional<Connection> connection;  // never none; another after a return
  std::string path;                      // of the socket; empty: it was given to us
  model::Hello daemon;
  bool polled = false;  // a host's event loop watches the socket: it stays this one
  std::size_t kept_descriptors = 0;
  std::optional<Loss> loss;                       // we are on the way back
  std::unordered_map<std::uint32_t, Slot> slots;  // by sequence
  // Whose replies have come, for next_ready(); may name some that wait() took since.
  std::deque<std::uint32_t> ready;
  std::uint32_t last_sequence = 0;
  std::optional<Error> broken;  // why nothing more will come
};

}  // namespace tally::client

// Session: one connected client, from accept to close.
//
// Reads what the socket brings, handles every complete frame of it in turns that leave
// room for others (daemon/turn.h), and sends all of their replies with one send.
// Replies carry the sequence of their request and leave when they are ready: a wait
// blocks nobody.
//
// The first request is the hello. A malformed frame is answered where possible and ends
// the session; a well-formed request that is wrong gets a typed error and the session
// lives. When a session ends, the jobs attached to it are its host's to cancel, or, if
// the client said that it leaves, are cancelled.
//
// A frame that has begun must be complete within 10 s, and the descriptors that wait
// for such frames are bounded over all sessions of a uid (daemon/session_accounts.h).
//
// A client that does not read its replies is not read from either, beyond its share of
// what its user's sessions may leave unread. One that brings descriptors is not read on
// while too many wait to be closed (runtime/job/closer.h): whether a job took them or
// none, they end there.
//
// session.cc has its life, session_reading.cc and session_writing.cc what goes through
// the socket, session_requests.cc what a request is, session_jobs.cc and
// session_windows.cc those about jobs and their files.
//
// Threads: the loop's. Lifetime: shared; coroutines and job observers hold it. `engine`
// and `host` must outlive it.
#pragma once

#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "daemon/session_accounts.h"
#include "daemon/turn_queue.h"
#include "ipc/frame_reader.h"
#include "ipc/message.h"
#include "ipc/model/request.h"
#include "ipc/peer.h"
#include "ipc/spawn.h"
#include "runtime/engine.h"

namespace tally::daemon {

class Session;

// What a session needs of the daemon around it.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  // Sends the session's replies at the end of this turn of the loop.
  virtual void flush_later(std::shared_ptr<Session> session) = 0;
  virtual TurnQueue& turns() = 0;
  virtual SessionAccounts& accounts() = 0;
  virtual void session_ended(const std::shared_ptr<Session>& session,
                             const Result<void>& how) = 0;
  // The client lost the session by which it submitted the job. True: the job goes on.
  virtual bool job_left(std::uint64_t job, const ipc::Peer& client) = 0;
  // So many of them go on, once a session.
  virtual void jobs_go_on(std::size_t jobs, const ipc::Peer& client) = 0;
  virtual void drain_requested() = 0;
  virtual void complete(model::ServerStatus& status) = 0;  // what only the daemon knows
};

class Session : public std::enable_shared_from_this<Session> {
 public:
  using Socket = asio::local::stream_protocol::socket;

  struct Options {
    bool administrator = false;
    // Not admitted: the hello is answered with this, and the session ends.
    std::optional<Error> refusal;
    std::chrono::nanoseconds grace{};  // told at the hello
  };

  Session(Socket socket, ipc::Peer peer, Engine& engine, SessionHost& host,
          Options options);

  void start(asio::io_context& loop);
  void stop();   // ends the session soon; what is unsent is tried once
  void flush();  // SessionHost calls it at the end of a turn

  const ipc::Peer& peer() const { return peer_; }
  bool admitted() const { return !options_.refusal; }

 private:
  class Observer;
  class Cancelling;

  static asio::awaitable<Result<void>> run(std::shared_ptr<Session> self);
  static asio::awaitable<Result<void>> read(std::shared_ptr<Session> self);
  asio::awaitable<void> room();
  asio::awaitable<void> closing();
  bool leaves_descriptors() const;
  void expect_rest();
  void expect_no_rest();
  std::optional<Error> count_descriptors();
  Error violated(const Error& why);
  void end();
  void leave_attached();
  void forget(std::uint32_t sequence);

  // False: the session ends after this turn.
  bool handle(ipc::Frame& frame, Nanoseconds received_ns);
  bool greet(std::uint32_t sequence, const model::Request& request);
  void submit(std::uint32_t sequence, model::Submit submit, std::vector<UniqueFd>& fds,
              Nanoseconds received_ns, std::uint64_t bytes);
  void wait(std::uint32_t sequence, const model::JobRef& ref);
  void status(std::uint32_t sequence, const model::JobRef& ref);
  void cancel(std::uint32_t sequence, const model::JobRef& ref);
  void explain(std::uint32_t sequence, model::JobSpec spec, std::vector<UniqueFd>& fds,
               Nanoseconds received_ns, std::uint64_t bytes);
  void list(std::uint32_t sequence);
  void server_status(std::uint32_t sequence);
  void tell_status(std::uint32_t sequence, model::ServerStatus status);
  void drain(std::uint32_t sequence);
  void list_kernels(std::uint32_t sequence, model::ListKernels request,
                    std::vector<UniqueFd>& fds);

  // Where the source's files come in windows, what they come through; else null.
  std::shared_ptr<job::FileWindows> open_windows(std::uint32_t sequence,
                                                 const model::JobSpec& spec);
  void files(std::uint32_t sequence, model::SendFiles files,
             std::vector<UniqueFd>& fds);

  // The number of the job that `ref` names, if this client may know of it.
  Result<std::uint64_t> resolve(const model::JobRef& ref);
  bool may_see(std::uint32_t uid) const;
  void hide_others(model::ServerStatus& status) const;
  bool may_wait(std::uint32_t sequence);
  void reply(std::uint32_t sequence, const model::Reply& reply);
  void reply_answer(std::uint32_t sequence, const job::EndedJob& job);
  void send_event(std::uint32_t sequence, const model::JobProgress& progress);
  void ask_files(std::uint32_t sequence, const model::NeedFiles& need);
  void written();
  bool send_some();
  std::size_t unsent() const { return out_.size() - sent_; }
  bool too_much_unsent() const;
  std::uint32_t most_waits() const;

  Socket socket_;
  const ipc::Peer peer_;
  Engine& engine_;
  const std::uint64_t number_;  // to the engine
  SessionHost& host_;
  const Options options_;

  ipc::FrameReader reader_;
  ipc::Bytes out_;
  std::size_t sent_ = 0;  // of out_
  bool flush_asked_ = false;
  bool in_turn_ = false;  // requests are being handled; their replies leave after that
  bool writing_ = false;  // waiting for the socket to take more
  bool greeted_ = false;
  std::uint32_t waits_ = 0;  // requests to wait that are not answered yet
  std::size_t statuses_owed_ = 0;
  std::size_t status_bytes_ = 8192;  // of one, as of the last that was told
  bool stopping_ = false;
  bool ended_ = false;
  bool said_leave_ = false;
  std::size_t going_on_ = 0;  // jobs that were left and were not cancelled
  struct SubmittedJob {
    std::uint64_t number = 0;
    bool attached = true;
  };
  std::unordered_map<std::uint32_t, SubmittedJob>
      submitted_;  // by sequence; alive ones
  // By the sequence of a submit or explain whose files come in windows.
  std::unordered_map<std::uint32_t, std::shared_ptr<job::FileWindows>> windows_;
  std::size_t counted_descriptors_ = 0;  // in the host's accounts
  bool rest_expected_ = false;           // of a frame
  bool rest_late_ = false;
  asio::steady_timer rest_;      // its deadline
  asio::steady_timer greeting_;  // the hello's deadline
  asio::steady_timer room_;      // cancelled whenever something was sent
  asio::steady_timer closing_;   // until we look again how many wait to be closed
};

}  // namespace tally::daemon

// TurnQueue: whose turn it is, where several clients want the loop at once.
//
// A client can open many connections and have all of them ask at the same moment; each
// would be a turn (turn.h) before the one request of another client. So clients count
// by process: once the loop has been at work for kAtOnceNs since it last looked at its
// sockets, whoever wants to go on stands in line here. Processes take turns; between
// turns the loop looks at its sockets, so that who comes then is the next but one.
//
// While nobody waits and the loop is quick this costs a comparison.
//
// Threads: the loop's. Lifetime: the io_context must outlive it; who waits is called
// back or, when this is destroyed, is not.
#pragma once

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "ipc/base/clock.h"
#include "ipc/peer.h"

namespace tally::daemon {

class TurnQueue {
 public:
  static constexpr Nanoseconds kAtOnceNs = 15'000;
  static constexpr Nanoseconds kInLineNs = 5'000;  // between looks at the sockets

  // A process, by its pid. Those of other pid namespaces have none here: they are one
  // by their uid, below 0.
  using Key = std::int64_t;
  static Key key_of(const ipc::Peer& peer) {
    return peer.pid > 0 ? peer.pid : -1 - Key{peer.uid};
  }
  static constexpr Key kNewClients = 0;  // nobody's

  explicit TurnQueue(asio::io_context& loop) : loop_(loop) {}

  // The loop looks at its sockets next.
  void renew() { began_ns_ = 0; }

  // Whether a client may go on without waiting for its turn.
  bool is_free(Nanoseconds now_ns) {
    if (!line_.empty()) return false;
    if (began_ns_ == 0) began_ns_ = now_ns;
    return now_ns - began_ns_ < kAtOnceNs;
  }

  // Calls `go`, later, when it is the turn of this process.
  void wait(Key key, std::function<void()> go);

  // The same for a coroutine.
  asio::awaitable<void> turn_of(Key key) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [this, key](auto handler) {
          // A std::function is copied, handlers are not.
          auto held = std::make_shared<decltype(handler)>(std::move(handler));
          wait(key, [held] { std::move (*held)(); });
        },
        asio::use_awaitable);
  }

 private:
  void serve();
  void serve_later();

  asio::io_context& loop_;
  std::unordered_map<Key, std::deque<std::function<void()>>> waiting_;
  std::deque<Key> line_;  // processes of which some wait, each once
  bool posted_ = false;
  Nanoseconds began_ns_ = 0;  // to work; 0: it has just looked at its sockets
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tally::daemon

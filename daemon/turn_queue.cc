#include "daemon/turn_queue.h"

#include <asio/post.hpp>

namespace tally::daemon {

void TurnQueue::wait(Key key, std::function<void()> go) {
  auto& mine = waiting_[key];
  if (mine.empty()) line_.push_back(key);
  mine.push_back(std::move(go));
  serve_later();
}

// Behind what is ready already, and behind a look at the sockets.
void TurnQueue::serve_later() {
  if (line_.empty() || std::exchange(posted_, true)) return;
  asio::post(loop_, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.lock()) serve();
  });
}

void TurnQueue::serve() {
  posted_ = false;
  began_ns_ = monotonic_ns();
  const Nanoseconds end_ns = began_ns_ + kInLineNs;
  // Who was served may have left nobody for the next call.
  while (!line_.empty() && monotonic_ns() < end_ns) {
    const Key key = line_.front();
    line_.pop_front();
    const auto mine = waiting_.find(key);
    const std::function<void()> go = std::move(mine->second.front());
    mine->second.pop_front();
    if (mine->second.empty())
      waiting_.erase(mine);
    else
      line_.push_back(key);
    go();
  }
  serve_later();
}

}  // namespace tally::daemon

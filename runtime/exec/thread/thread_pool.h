// ThreadPool: runs closures on up to `most` threads, started when first needed.
//
// Closures must not throw. A thread that exists and waits is preferred to a new one;
// their niceness is that of the pool's maker, or behind it. Threads: post()
// from any. Lifetime: the destructor drops what has not begun, and waits for what has.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ipc/base/give_way.h"

namespace tally::exec {

class ThreadPool {
 public:
  // `gives_way`: to who serves (ipc/base/give_way.h), in all that it does.
  ThreadPool(std::string name, std::uint32_t most, bool gives_way = true)
      : name_(std::move(name)), most_(most), gives_way_(gives_way) {}
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  void post(std::function<void()> work);

  std::uint32_t running() const;  // threads that exist
  std::uint32_t most() const { return most_; }

 private:
  void work();
  void start_thread();  // with mutex_ held; may fail

  const std::string name_;  // of its threads, as debuggers and `top` show them
  const std::uint32_t most_;
  const bool gives_way_;
  const int niceness_ = own_niceness();

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::uint32_t waiting_ = 0;
  bool stopping_ = false;
};

}  // namespace tally::exec

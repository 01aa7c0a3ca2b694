// ThreadPool: runs closures on up to `most` threads, started when first needed.
//
// Closures must not throw. A thread that exists and waits is preferred to a new one;
// all give way to who serves (ipc/base/give_way.h). Threads: post()
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

namespace tally::exec {

class ThreadPool {
 public:
  ThreadPool(std::string name, std::uint32_t most)
      : name_(std::move(name)), most_(most) {}
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

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::uint32_t waiting_ = 0;
  bool stopping_ = false;
};

}  // namespace tally::exec

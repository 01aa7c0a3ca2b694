#include "runtime/exec/thread/thread_pool.h"

#include <pthread.h>

#include <optional>
#include <system_error>
#include <utility>

#include "ipc/base/block_signals.h"

namespace tally::exec {
ThreadPool::~ThreadPool() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::uint32_t ThreadPool::running() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint32_t>(threads_.size());
}

void ThreadPool::start_thread() {
  try {
    threads_.emplace_back([this] { this->work(); });
  } catch (const std::system_error&) {
    // The system gives no more threads: those that are there will come to it.
  }
}

void ThreadPool::post(std::function<void()> work) {
  std::deque<std::function<void()>> alone;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (queue_.size() > waiting_ && threads_.size() < most_) start_thread();
    // Not one thread can be had: better late by the caller's hand than never.
    if (threads_.empty()) alone = std::exchange(queue_, {});
  }
  for (const auto& one : alone) one();
  wake_.notify_one();
}

void ThreadPool::work() {
  block_signals();
  std::optional<GivingWay> behind;
  if (gives_way_) behind.emplace(niceness_);
  pthread_setname_np(pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    ++waiting_;
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --waiting_;
    if (queue_.empty()) return;  // stopping, and nothing left to run
    const std::function<void()> next = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    next();
    lock.lock();
  }
}

}  // namespace tally::exec

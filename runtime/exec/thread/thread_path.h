// ThreadPath: chunks on threads of this process; built-in reducers only.
//
// A slot is a right to run one batch at a time, with buffers of its own; the threads
// behind it are started when first needed. Finished chunks are collected and handed to
// the loop with one post, however many ended meanwhile.
//
// Threads: the loop's, as every ExecutionPath. Lifetime: the io_context and `events`
// must outlive it; the destructor waits for running chunks (interrupt them first).
#pragma once

#include <asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/exec/activity.h"
#include "runtime/exec/path.h"
#include "runtime/exec/thread/thread_pool.h"

namespace tally::exec {

class ThreadPath : public ExecutionPath {
 public:
  ThreadPath(asio::io_context& loop, std::uint32_t slots, PathEvents& events);
  ~ThreadPath() override;

  void start();  // announces every slot

  void run(std::uint32_t slot, std::vector<Assignment> batch) override;
  void interrupt(std::uint32_t slot, std::uint64_t job) override;
  std::uint64_t advanced(std::uint32_t slot) const override;
  std::uint32_t pid(std::uint32_t slot) const override;
  bool works_on(std::uint32_t slot, std::uint64_t job) const override;

  Activity activity() const;  // without in_kernel: nobody bounds a call in our threads
  std::uint32_t threads_running() const { return pool_.running(); }
  std::uint32_t slots() const { return static_cast<std::uint32_t>(slots_.size()); }
  std::uint32_t busy() const { return busy_; }

 private:
  class SharedImages;
  struct Slot;
  struct Finished;

  static void give_images(Assignment& assignment);
  void finish(Slot& slot, std::vector<model::ChunkOutcome> outcomes);
  void deliver();

  PathEvents& events_;
  const std::uint32_t pid_;
  const int niceness_ = own_niceness();  // the loop's
  std::unique_ptr<SharedImages> images_;
  std::vector<std::unique_ptr<Slot>> slots_;  // stable: threads hold on to them
  std::uint32_t busy_ = 0;
  std::shared_ptr<Finished> finished_;  // shared with posts that outlive the path
  ThreadPool pool_;                     // last: joined before the rest goes
};

}  // namespace tally::exec

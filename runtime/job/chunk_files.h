// ChunkFiles: the files of a running job, open only while chunks need them.
//
// Chunks are taken in runs that read at most 64 files together. A run's files are asked
// for ahead of its chunks' dispatch, checked to be those that were inspected, kept
// while any of its chunks is not accepted (a retry reads them again), and closed then.
// A file that two runs share is asked for twice. At most kMostOpenRuns are open or
// under way.
//
// Threads: the loop's; files are checked on helper threads. Lifetime: shared with what
// is under way; stop() ends it.
#pragma once

#include <asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/exec/path.h"
#include "runtime/exec/thread/thread_pool.h"
#include "runtime/job/descriptor_room.h"
#include "runtime/job/file_windows.h"
#include "runtime/plan/planner.h"
#include "runtime/source/descriptor_check.h"

namespace tally::job {

// Chunks that follow each other, and the files that they read, ascending.
struct ChunkRun {
  std::uint32_t first_chunk = 0;
  std::uint32_t end_chunk = 0;
  std::vector<std::uint32_t> files;
};

// Cuts the chunks of a plan into as few runs as `most_files` allows. Pure.
std::vector<ChunkRun> cut_runs(const plan::Plan& plan, std::size_t most_files);

class ChunkFiles : public std::enable_shared_from_this<ChunkFiles> {
 public:
  static constexpr std::uint32_t kMostOpenRuns = 4;

  struct Events {
    std::function<void(std::uint32_t upto)> released;  // all chunks below have theirs
    std::function<void(const Error&)> failed;
  };

  ChunkFiles(asio::io_context& loop, exec::ThreadPool& helpers,
             std::shared_ptr<DescriptorRoom> room, std::uint32_t uid,
             std::shared_ptr<FileWindows> windows, const plan::Plan& plan,
             std::vector<source::FileIdentity> identities, Events events);
  ~ChunkFiles();

  void start();
  // Nobody is called any more; what is open is closed once no chunk reads it.
  void stop();

  // Gives the task its files, which it names by their place in the source.
  // Precondition: its chunk was released, and is not done.
  void place(std::uint32_t chunk, exec::Assignment& assignment) const;
  // The chunk was accepted.
  void done(std::uint32_t chunk);

 private:
  struct Run {
    ChunkRun chunks;
    std::uint32_t left = 0;     // chunks not accepted
    std::uint32_t missing = 0;  // files
    bool ready = false;
    std::shared_ptr<exec::JobFiles> files;  // open ones
  };

  std::size_t run_of(std::uint32_t chunk) const;
  void ask_more();
  void ask(std::size_t number);
  void came(std::size_t number, std::size_t place, std::vector<UniqueFd> fds);
  void check(std::size_t number);
  void checked(std::size_t number, const Result<void>& how);
  void close(Run& run);

  asio::io_context& loop_;
  exec::ThreadPool& helpers_;
  const std::shared_ptr<DescriptorRoom> room_;
  const std::uint32_t uid_;  // whose job it is
  const std::shared_ptr<FileWindows> windows_;
  const std::vector<source::FileIdentity> identities_;
  std::vector<std::string> names_;
  Events events_;
  std::vector<Run> runs_;
  std::size_t asked_ = 0;     // runs
  std::size_t released_ = 0;  // likewise
  std::uint32_t open_ = 0;    // runs whose room is held
  bool stopped_ = false;
};

}  // namespace tally::job

// WindowedInspection: looks at all files of a job, window by window, and closes them
// again. What remains is what they said, and who they are.
//
// Two windows are under way: one is inspected on a helper thread while the next is
// fetched. The first stays open, for those who want to measure its leaves.
//
// Threads: the loop's; files are read on helper threads. Lifetime: shared; goes on
// until it has told its result, or until the windows are closed.
#pragma once

#include <asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/job_spec.h"
#include "runtime/exec/thread/thread_pool.h"
#include "runtime/job/descriptor_room.h"
#include "runtime/job/file_windows.h"
#include "runtime/source/inspect.h"

namespace tally::job {

struct InspectedWindows {
  source::Inspection inspection;
  std::vector<source::FileIdentity> identities;  // one a file
  std::vector<UniqueFd> first;                   // the first window
};

class WindowedInspection : public std::enable_shared_from_this<WindowedInspection> {
 public:
  using Result = tally::Result<std::shared_ptr<InspectedWindows>>;
  using Done = std::function<void(Result)>;

  // `spec` is of files, at least one.
  WindowedInspection(asio::io_context& loop, exec::ThreadPool& helpers,
                     std::shared_ptr<DescriptorRoom> room, std::uint32_t uid,
                     std::shared_ptr<FileWindows> windows,
                     std::shared_ptr<const model::JobSpec> spec,
                     std::vector<std::string> columns);
  ~WindowedInspection();

  // `done` is called once, unless the windows are closed before. Errors: those of
  // source::inspect and of FileWindows. Room for the first window is held until this
  // object goes.
  void start(Done done);

 private:
  void ask_more();
  void drop_first();
  void inspect_next();
  void inspected(tally::Result<void> how, std::uint32_t count);
  void finish(Result result);

  asio::io_context& loop_;
  exec::ThreadPool& helpers_;
  const std::shared_ptr<DescriptorRoom> room_;
  const std::uint32_t uid_;  // whose job it is
  const std::shared_ptr<FileWindows> windows_;
  const std::shared_ptr<const model::JobSpec> spec_;
  const std::uint32_t files_;
  source::FilesInspector inspector_;  // a helper's while busy_
  std::vector<UniqueFd> first_;       // likewise
  std::map<std::uint32_t, std::vector<UniqueFd>> arrived_;
  std::uint32_t asked_ = 0;  // files, from the first on
  std::uint32_t next_ = 0;   // to be inspected
  std::uint64_t held_ = 0;   // of the room
  bool busy_ = false;
  Done done_;
};

}  // namespace tally::job

// ProgressBar: how far a job is, on one line of stderr, for jobs that take a while.
//
// Shown only on a terminal and only once the job has lasted over half a second;
// redrawn at most ten times a second; erased by clear() and by the destructor.
// Threads: one.
#pragma once

#include <string>

#include "ipc/base/clock.h"
#include "ipc/model/job_answer.h"

namespace tally::cli {

class ProgressBar {
 public:
  // `wanted`: false for --quiet.
  explicit ProgressBar(bool wanted);
  ~ProgressBar() { clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  bool enabled() const { return enabled_; }
  void update(const model::JobProgress& progress);
  void clear();

 private:
  const bool enabled_;
  const Nanoseconds started_ns_;
  Nanoseconds drawn_ns_ = 0;
  bool visible_ = false;
};

// "[=====>    ]  52 %  1.20 G elements/s  3.40 s left", at most 79 columns; of streams
// "1.50 GiB read  93.1 MiB/s".
std::string text_of_progress(const model::JobProgress& progress,
                             Nanoseconds elapsed_ns);

}  // namespace tally::cli

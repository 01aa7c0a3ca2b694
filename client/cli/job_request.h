// JobRequest: a job as the command line describes it, ready to be submitted.
#pragma once

#include <memory>
#include <vector>

#include "client/cli/args.h"
#include "client/cli/stream_pump.h"
#include "client/client.h"
#include "client/file_list.h"
#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/job_spec.h"

namespace tally::cli {

struct JobRequest {
  model::JobSpec spec;
  std::vector<UniqueFd> files;  // those that spec.source names by index
  // Or all of them, where they are more than can be handed over at once.
  std::shared_ptr<client::FileList> list;
  bool streams = false;           // some can be read only once
  bool terminal = false;          // one is a terminal
  std::vector<StreamPump> pumps;  // of those that are read here; not started

  std::vector<int> descriptors() const;  // of `files`, which must outlive them

  client::FileOpener opener() const;  // of `list`; none if there is none
  bool reads(int file) const;         // whether what is open is among the files

  void start_pumps();
  // Whether all of the input was read, once the job has ended. Errors: Io.
  Result<void> pumped() const;
};

// The options that build_job reads.
inline constexpr OptionSet kJobOptions{
    Option::Range,    Option::Values,    Option::Column,  Option::Format,
    Option::Dtype,    Option::Header,    Option::Missing, Option::Delimiter,
    Option::Nan,      Option::OnFailure, Option::Hint,    Option::Path,
    Option::Require,  Option::Chunk,     Option::Timeout, Option::Workers,
    Option::Priority, Option::Limit,     Option::Kernel};

// Operands are REDUCERS and, where the source is files, their names, which are opened;
// "-" is standard input.
// Errors: InvalidArgument, of which the message says what is accepted.
Result<JobRequest> build_job(const Args& args);

}  // namespace tally::cli

// Request, Reply, Event: what client and daemon say to each other, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ipc/base/error.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/job_id.h"
#include "ipc/model/job_spec.h"
#include "ipc/model/server_status.h"

namespace tally::model {

struct Hello {
  std::uint32_t protocol = 0;
  std::uint64_t features = 0;
  std::string version;
  std::uint32_t pid = 0;
  std::uint32_t grace_ms = 0;  // with kFeatureGrace, of the daemon
  std::uint64_t tag = 0;       // of the daemon's start, as in its jobs' ids

  // A job with a client id goes on for grace_ms when its session is lost.
  static constexpr std::uint64_t kFeatureGrace = 1;
};

enum class ReplyWhen : std::uint8_t { Finished = 0, Accepted = 1 };

struct Submit {
  JobSpec spec;
  ReplyWhen reply_when = ReplyWhen::Finished;
  bool want_progress = false;
};

// A job's id, in full or shortened by a person, the id its client chose, or the
// sequence of its submit on this session.
struct ClientId {
  std::string text;
};
struct SubmitSequence {
  std::uint32_t sequence = 0;
};
using JobRef = std::variant<JobId, ClientId, SubmitSequence, JobIdPattern>;

struct Wait {
  JobRef job;
};
struct Status {
  JobRef job;
};
struct List {};
struct Cancel {
  JobRef job;
};
struct Explain {
  JobSpec spec;
};
struct GetServerStatus {};
// What is in these shared objects, whose descriptors come with the request, and what
// the daemon's administrator installed?
struct ListKernels {
  std::vector<KernelFile> files;
};
struct Drain {};
struct Ping {};
// Ends the session, has no reply. Unlike a connection that is lost: nobody comes back
// to its jobs.
struct Leave {};
// Files from `first` on, as descriptors of the frame, or why one cannot be had. Goes
// with the sequence of its submit or explain, and has no reply.
struct SendFiles {
  std::uint32_t first = 0;
  std::optional<Error> error;
};

using Request =
    std::variant<Hello, Submit, Wait, Status, List, Cancel, Explain, GetServerStatus,
                 Drain, Ping, ListKernels, SendFiles, Leave>;

struct Accepted {
  JobId id;
};
struct Done {};

using Reply = std::variant<Error, Hello, Accepted, JobAnswer, std::vector<JobSummary>,
                           JobPlan, ServerStatus, Done, std::vector<ListedKernel>>;

// Asks for files of a windowed source.
struct NeedFiles {
  std::uint32_t first = 0;
  std::uint32_t count = 0;  // 1 to 64
};

using Event = std::variant<JobProgress, NeedFiles>;

}  // namespace tally::model

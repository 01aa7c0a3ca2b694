# The conversation between a client and the daemon. A request frame holds a Request, a
# reply frame a Reply with the request's sequence, an event frame an Event with the
# sequence of the submit it belongs to.
@0x9d2e60f8a1c4b735;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tally::schema");
using Common = import "common.capnp";
using Job = import "job.capnp";
using Kernel = import "kernel.capnp";

struct Hello {
  protocol @0 :UInt32;       # 1
  features @1 :UInt64;       # bit 0: the daemon waits for clients (graceMs)
  version @2 :Text;          # of the program, for messages
  pid @3 :UInt32;
  graceMs @4 :UInt32;        # of the daemon: how long a lost job goes on
  tag @5 :UInt64;            # of the daemon's start, as in its jobs' ids
}

struct Submit {
  spec @0 :Job.JobSpec;
  replyWhen @1 :UInt8;       # 0: when finished; 1: when accepted
  wantProgress @2 :Bool;
}

# A job's id as a person shortened it: the first digits of the tag, and the number.
struct JobIdPrefix {
  tagPrefix @0 :UInt64;      # left-aligned: the digits given, then zeros
  tagDigits @1 :UInt8;       # hexadecimal digits given, 1 to 16
  number @2 :UInt64;
}

# Names a job in one of four ways.
struct JobRef {
  union {
    id @0 :Common.JobId;
    clientId @1 :Text;
    sequence @2 :UInt32;     # of a submit on this session
    prefix @3 :JobIdPrefix;
  }
}

# The answer to needFiles: the files from `first` on, as many as were asked for, as the
# frame's descriptors; or, without any, why one of them cannot be had. Its frame has the
# sequence of the submit or explain. It has no reply.
struct Files {
  first @0 :UInt32;
  error @1 :Common.Error;    # null: none
}

struct Request {
  union {
    hello @0 :Hello;
    submit @1 :Submit;
    wait @2 :JobRef;         # answered when the job has ended
    status @3 :JobRef;       # answered at once
    list @4 :Void;
    cancel @5 :JobRef;
    explain @6 :Job.JobSpec;
    serverStatus @7 :Void;
    drain @8 :Void;          # administrators: finish what runs, then leave
    ping @9 :Void;
    kernels @10 :List(Job.FilesSource.File);  # what is in these, and what is installed?
    files @11 :Files;
    leave @12 :Void;         # the session ends, and nobody comes back to its jobs
  }
}

# A kernel that jobs may name.
struct ListedKernel {
  info @0 :Kernel.KernelInfo;
  file @1 :Text;             # "libgeomean.so"
  sha256 @2 :Data;
  inProcess @3 :Bool;        # may run in the daemon's threads
}

struct JobSummary {
  id @0 :Common.JobId;
  state @1 :UInt8;
  uid @2 :UInt32;
  reducers @3 :Text;
  path @4 :UInt8;
  chunksDone @5 :UInt64;
  chunks @6 :UInt64;
  ageNs @7 :UInt64;
}

struct JobPlan {
  path @0 :UInt8;
  reason @1 :Text;
  workers @2 :UInt32;
  chunks @3 :UInt64;
  leaves @4 :UInt64;
  elements @5 :UInt64;
  elementsKnown @6 :Bool;
  inputBytes @7 :UInt64;
  chunkSize @8 :UInt64;
  # From what the first measuredExtent elements (or bytes) cost.
  hasExpected @9 :Bool;
  expectedNs @10 :UInt64;
  measuredExtent @11 :UInt64;
}

struct WorkerStatus {
  worker @0 :UInt32;
  pid @1 :UInt32;
  state @2 :Text;
  hasJob @3 :Bool;
  job @4 :Common.JobId;
  chunksDone @5 :UInt64;
  restarts @6 :UInt64;
  hasPss @7 :Bool;
  pssBytes @8 :UInt64;
  hasRss @9 :Bool;
  rssBytes @10 :UInt64;
  doing @11 :Text;           # "chunk 3: reading file 0"; empty: nothing
  stalledNs @12 :UInt64;     # since that was last seen to move
  processState @13 :UInt8;   # the kernel's letter: R, S, D, T, …; 0: not known
}

struct CoreBound {
  source @0 :Text;
  cores @1 :Float64;
}

# A key of the configuration and the value in force.
struct Setting {
  key @0 :Text;              # "pool.workers"
  value :union {
    integer @1 :Int64;
    text @2 :Text;
    ids @3 :List(UInt32);
  }
  isDefault @4 :Bool;        # nobody set it
  reloadable @5 :Bool;       # SIGHUP is enough
  restartPending @6 :Bool;   # the file that was read last says something else
}

# Since the daemon started.
struct Totals {
  jobsDone @0 :UInt64;
  jobsFailed @1 :UInt64;
  jobsCancelled @2 :UInt64;
  jobsExpired @3 :UInt64;
  jobsRefused @4 :UInt64;    # never taken on
  chunks @5 :UInt64;         # whose partial was accepted
  chunksRetried @6 :UInt64;
  elements @7 :UInt64;       # of those chunks
  cpuNs @8 :UInt64;          # likewise
  jobsPartial @9 :UInt64;    # ended with an answer that leaves something out
}

struct TokenStatus {
  name @0 :Text;
  inUse @1 :UInt32;          # chunks that hold one
  waiting @2 :UInt32;        # jobs in line for one
}

# What the daemon's own small jobs on a path found.
struct PathHealth {
  path @0 :UInt8;
  state @1 :UInt8;           # 1 off, 2 ok, 3 busy, 4 wedged, 5 failed, 6 wrong
  hasLastOk @2 :Bool;
  lastOkNs @3 :UInt64;       # since the last right answer
  latencyNs @4 :UInt64;      # of that answer
  message @5 :Text;          # for people; empty: there is nothing to say
}

# What is held of something that is limited.
struct LimitUse {
  resource @0 :Text;         # "jobs", as in [limits]
  hasUid @1 :Bool;           # of one user; else of all together
  uid @2 :UInt32;
  limit @3 :UInt64;
  hasInUse @4 :Bool;         # not told to those whom others' use does not concern
  inUse @5 :UInt64;
}

struct ServerStatus {
  version @0 :Text;
  pid @1 :UInt32;
  kind @2 :UInt8;
  socket @3 :Text;
  uptimeNs @4 :UInt64;
  zygotePid @5 :UInt32;
  zygoteRestarts @6 :UInt64;
  workers @7 :List(WorkerStatus);
  threadsRunning @8 :UInt32;
  threadsBusy @9 :UInt32;
  threadsMax @10 :UInt32;
  usableCores @11 :UInt32;
  coreBounds @12 :List(CoreBound);
  jobsQueued @13 :UInt64;
  jobsRunning @14 :UInt64;
  jobsFinished @15 :UInt64;
  chunksWaiting @16 :UInt64;
  sessions @17 :UInt64;
  daemonRssBytes @18 :UInt64;
  hasWorkersPss @19 :Bool;
  workersPssBytes @20 :UInt64;
  systemUsedPercent @21 :Float64;
  draining @22 :Bool;
  totals @23 :Totals;
  settings @24 :List(Setting);
  tokens @25 :List(TokenStatus);  # in use or waited for
  degraded @26 :Text;        # why the workers are of little use; empty: they are fine
  health @27 :List(PathHealth);  # inline, thread, process
  sandbox @28 :Text;         # what holds the workers; "off: " and why
  limits @29 :List(LimitUse);
}

struct Reply {
  union {
    error @0 :Common.Error;
    hello @1 :Hello;
    accepted @2 :Common.JobId;
    answer @3 :Job.JobAnswer;  # of submit, wait, status
    jobs @4 :List(JobSummary);
    plan @5 :JobPlan;
    serverStatus @6 :ServerStatus;
    done @7 :Void;             # of cancel, drain, ping
    kernels @8 :List(ListedKernel);
  }
}

struct Event {
  union {
    progress @0 :Progress;
    unused @1 :Void;
    needFiles @2 :NeedFiles;
  }
}

# Send these files of a job whose source is windowed.
struct NeedFiles {
  first @0 :UInt32;
  count @1 :UInt32;          # 1 to 64
}

struct Progress {
  id @0 :Common.JobId;
  done @1 :UInt64;
  total @2 :UInt64;
  inBytes @3 :Bool;
}

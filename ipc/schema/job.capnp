# A job: what a client asks for, and what it gets. Enumerations are sent as numbers
# (ipc/model); a number out of range is an invalid request.
@0xe8b4d7203f6c915a;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tally::schema");
using Common = import "common.capnp";

struct ReducerSpec {
  name @0 :Text;
  args @1 :List(Text);
  column @2 :Text;
  label @3 :Text;
}

struct RangeSource {
  start @0 :Int64;
  stop @1 :Int64;
  step @2 :Int64;
}

struct ValuesSource {
  type @0 :UInt8;
  bytes @1 :Data;
}

struct MemoryArray {
  type @0 :UInt8;
  descriptor @1 :UInt32;
  offsetBytes @2 :UInt64;
  count @3 :UInt64;
}

struct MemorySource {
  type @0 :UInt8;
  descriptor @1 :UInt32;
  offsetBytes @2 :UInt64;
  count @3 :UInt64;
  second @4 :MemoryArray;    # null: there is one array
}

struct CsvDialect {
  delimiter @0 :UInt8 = 44;  # ','
  header @1 :Bool = true;
}

struct FilesSource {
  format @0 :UInt8;
  type @1 :UInt8;            # 0: not given
  csv @2 :CsvDialect;
  files @3 :List(File);
  windowed @4 :Bool;         # no descriptors came: the daemon asks for them (needFiles)

  struct File {
    name @0 :Text;
    descriptor @1 :UInt32;
    startBytes @2 :UInt64;     # a regular file is read from here
  }
}

# A token that the job's chunks hold while they are in hand.
struct TokenLimit {
  name @0 :Text;
  count @1 :UInt32;
}

struct JobSpec {
  reducers @0 :List(ReducerSpec);
  source :union {
    range @1 :RangeSource;
    values @2 :ValuesSource;
    memory @3 :MemorySource;
    files @4 :FilesSource;
  }
  hint @5 :UInt8;
  path @6 :UInt8;
  requireIsolated @7 :Bool;
  workers @8 :UInt32;
  chunkSize @9 :UInt64;
  missing @10 :UInt8;
  nan @11 :UInt8;
  timeoutNs @12 :UInt64;
  priority @13 :Int32;
  clientId @14 :Text;
  detached @15 :Bool;
  measurePss @16 :Bool;
  trace @17 :Bool;           # record the job's chunks
  kernels @19 :List(File);   # shared objects with kernels that reducers may name
  limits @18 :List(TokenLimit);
  onFailure @20 :UInt8;      # 0: fail; 1: answer with what could be covered

  using File = FilesSource.File;
}

struct ElementIndex {
  hasFile @0 :Bool;
  file @1 :Text;
  index @2 :UInt64;
}

# counts[i] elements in [edges[i], edges[i + 1]), the last edge included.
struct Histogram {
  edgeBits @0 :List(UInt64);   # one more than counts
  counts @1 :List(UInt64);
  underflow @2 :UInt64;        # below the first edge
  overflow @3 :UInt64;         # above the last
  nan @4 :UInt64;
}

struct ReducerResult {
  label @0 :Text;
  reducer @1 :Text;
  args @2 :List(Text);
  column @3 :Text;
  value :union {
    none @4 :Void;
    integer @5 :Common.Int128;
    f64Bits @6 :UInt64;      # bits, so that every NaN and -0 arrives as it left
    f32Bits @7 :UInt32;
    index @8 :ElementIndex;
    text @10 :Text;          # of a kernel
    histogram @11 :Histogram;
  }
  error @9 :Common.Error;    # null: none
}


struct JobTimes {
  queueNs @0 :UInt64;
  planNs @1 :UInt64;
  runNs @2 :UInt64;
  mergeNs @3 :UInt64;
  replyNs @4 :UInt64;
  otherNs @5 :UInt64;
  totalNs @6 :UInt64;
  cpuUserNs @7 :UInt64;
  cpuSystemNs @8 :UInt64;
}

# A figure with its `has` bit false was not measured.
struct JobMemory {
  hasPeakRss @0 :Bool;
  peakRssBytes @1 :UInt64;
  hasWorkersPss @2 :Bool;
  workersPssBytes @3 :UInt64;
  hasWorkersAnon @4 :Bool;
  workersAnonBytes @5 :UInt64;
  daemonRssBytes @6 :UInt64;
  inputBytes @7 :UInt64;
  systemUsedPercent @8 :Float64;
}

struct WorkerUsage {
  worker @0 :UInt32;
  pid @1 :UInt32;
  chunks @2 :UInt64;
  elements @3 :UInt64;
  runNs @4 :UInt64;
  cpuNs @5 :UInt64;
  hasPeakRss @6 :Bool;
  peakRssBytes @7 :UInt64;
}

struct JobAnswer {
  id @0 :Common.JobId;
  state @1 :UInt8;
  error @2 :Common.Error;    # null: none
  results @3 :List(ReducerResult);
  elements @4 :Common.ElementCounts;
  daemonKind @5 :UInt8;
  daemonPid @6 :UInt32;
  path @7 :UInt8;
  reason @8 :Text;
  workers @9 :UInt32;
  chunks @10 :UInt64;
  retries @11 :UInt64;
  time @12 :JobTimes;
  memory @13 :JobMemory;
  workerUsage @14 :List(WorkerUsage);
  trace @15 :ChunkTrace;     # null: the job did not ask for it
  kernels @16 :List(KernelUse);
  missing @17 :List(MissingRange);  # of a partial answer: what it does not cover
  stopped @18 :Stopped;      # null: it ended of itself, or with the daemon
}

# What it took to stop a cancelled or expired job; the answer waited for that.
struct Stopped {
  how @0 :UInt8;             # the strongest means
  tookNs @1 :UInt64;
}

# Elements [begin, end) that no worker survived; bytes where inBytes.
struct MissingRange {
  hasFile @0 :Bool;
  file @1 :Text;
  begin @2 :UInt64;
  end @3 :UInt64;
  inBytes @4 :Bool;
  error @5 :Common.Error;    # the last of the losses
}

# A kernel that a job used.
struct KernelUse {
  name @0 :Text;
  file @1 :Text;             # "libgeomean.so"
  sha256 @2 :Data;           # of the file's content, 32 bytes
}

# One attempt at a chunk; times since the job was received.
struct ChunkRecord {
  worker @0 :UInt32;
  pid @1 :UInt32;
  chunk @2 :UInt32;
  attempt @3 :UInt32;
  beginNs @4 :UInt64;
  endNs @5 :UInt64;
  end @6 :UInt8;             # 1: done; 2: failed; 3: lost; 4: called off
}

struct ChunkTrace {
  records @0 :List(ChunkRecord);  # in the order they ended
  leftOut @1 :UInt64;             # further ones, beyond the bound
}

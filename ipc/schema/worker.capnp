# Between the daemon and a worker, in packets over SEQPACKET (ipc/packet.h).
@0xb71c9f4e2a85d063;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tally::schema");
using Common = import "common.capnp";
using Job = import "job.capnp";
using Kernel = import "kernel.capnp";

struct ChunkKey {
  job @0 :UInt64;
  round @1 :UInt32;
  chunk @2 :UInt32;
  attempt @3 :UInt32;
}

struct RangePiece {
  start @0 :Int64;
  step @1 :Int64;
  begin @2 :UInt64;
  end @3 :UInt64;
}

struct ValuesPiece {
  bytes @0 :Data;
  begin @1 :UInt64;
  end @2 :UInt64;
}

# Another array, whose elements belong to those of a piece one by one.
struct PartnerPiece {
  name @0 :Text;
  descriptor @1 :UInt32;
  dataOffsetBytes @2 :UInt64;
  keptArray @3 :UInt64;      # as in FilePieces
}

struct FilePiece {
  file @0 :UInt32;
  name @1 :Text;
  descriptor @2 :UInt32;
  dataOffsetBytes @3 :UInt64;
  begin @4 :UInt64;
  end @5 :UInt64;
  columns @6 :List(UInt32);
  fields @7 :UInt32;
  partner @8 :PartnerPiece;  # null: none
}

struct FilePieces {
  format @0 :UInt8;
  csv @1 :Job.CsvDialect;
  pieces @2 :List(FilePiece);
  keptArray @3 :UInt64;      # 0: not to be kept mapped
}

# The states of chunks, in a sealed memfd; see ipc/model/chunk_task.h.
struct MergePiece {
  descriptor @0 :UInt32;
  bytes @1 :UInt64;
  unused @2 :UInt32;
  levels @3 :Data;             # one a chunk, or part of one
}

# The bins of a column, whose state stands after those of its families: between the
# edges, or, if there are none, `count` of the same width.
struct HistogramTask {
  column @0 :UInt32;
  count @1 :UInt32;
  lo @2 :Float64;
  hi @3 :Float64;
  edges @4 :List(Float64);
}

# A window of a column's order keys, whose state stands after those of its histograms.
struct WindowTask {
  column @0 :UInt32;
  least @1 :Int64;
  greatest @2 :Int64;
  mostKept @3 :UInt32;       # of its elements, around `aim`; 0: it counts them in buckets
  aim @4 :UInt64;            # q * 10^19 of the quantile that is sought in it
}

# Columns whose elements are paired, row by row.
struct ColumnPair {
  left @0 :UInt32;
  right @1 :UInt32;
}

struct ChunkTask {
  key @0 :ChunkKey;
  type @1 :UInt8;
  columns @2 :List(Data);    # one a column: its families, a byte each
  missing @3 :UInt8;
  nan @4 :UInt8;
  piece :union {
    range @5 :RangePiece;
    values @6 :ValuesPiece;
    files @7 :FilePieces;
    describe @10 :Void;        # what is in the images?
    merge @11 :MergePiece;
  }
  firstDescriptor @8 :UInt32;  # this task's part of the frame's descriptors
  descriptors @9 :UInt32;
  textColumns @12 :List(Bool); # empty: all are numbers
  images @13 :List(Kernel.TaskImage);
  kernels @14 :List(Kernel.KernelTask);
  finishKernels @15 :Bool;
  kernelMemoryBytes @16 :UInt64;
  hasSync @17 :Bool;
  syncDescriptor @18 :UInt32;
  histograms @19 :List(HistogramTask);  # of a column in the order of its states
  windows @20 :List(WindowTask);        # likewise
  pairs @21 :List(ColumnPair);          # what the last columns are made of
}

struct Span {
  file @0 :UInt32;
  begin @1 :UInt64;
  end @2 :UInt64;
}

struct StateBytes {
  family @0 :UInt8;
  version @1 :UInt16;
  bytes @2 :Data;
}

struct ColumnPartial {
  counts @0 :Common.ElementCounts;
  states @1 :List(StateBytes);
}

struct ChunkUsage {
  runNs @0 :UInt64;
  cpuUserNs @1 :UInt64;
  cpuSystemNs @2 :UInt64;
  hasPeakRss @3 :Bool;
  peakRssBytes @4 :UInt64;
  hasAnon @5 :Bool;
  anonBytes @6 :UInt64;
  beganNs @7 :UInt64;        # on CLOCK_MONOTONIC; 0: not told
}

struct Partial {
  spans @0 :List(Span);
  columns @1 :List(ColumnPartial);
  usage @2 :ChunkUsage;
  kernels @3 :List(Kernel.KernelPartial);
  outputs @4 :List(List(Kernel.KernelOutput));
  described @5 :List(List(Kernel.KernelInfo));
}

struct ChunkOutcome {
  key @0 :ChunkKey;
  union {
    partial @1 :Partial;
    error @2 :Common.Error;
  }
  spent @3 :ChunkUsage;      # with an error; a partial has its own
}

struct Ready {
  protocol @0 :UInt32;
  build @1 :Text;            # the daemon refuses a worker of another build
  pid @2 :UInt32;
}

struct WorkerMessage {
  union {
    ready @0 :Ready;                   # worker, once
    assign @1 :List(ChunkTask);        # daemon
    outcomes @2 :List(ChunkOutcome);   # worker
    forget @3 :List(UInt64);           # daemon: arrays that were kept mapped
  }
}

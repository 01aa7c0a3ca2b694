# Kernels: what one is, and what crosses to workers and back (ipc/model/kernel.h).
@0xd3a86f1b25c94e70;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tally::schema");
using Common = import "common.capnp";

struct KernelParameter {
  name @0 :Text;
  summary @1 :Text;
  hasDefault @2 :Bool;
  defaultValue @3 :Text;
}

struct KernelInfo {
  name @0 :Text;
  summary @1 :Text;
  types @2 :UInt64;          # bit n: element type n; bit 11: text
  columns @3 :UInt32;
  exact @4 :Bool;            # the order of merges cannot matter
  sync @5 :Bool;
  parameters @6 :List(KernelParameter);
  stateBytes @7 :UInt64;
}

# A shared object that a task needs.
struct TaskImage {
  hash @0 :Data;             # SHA-256 of its content, 32 bytes
  name @1 :Text;
  hasDescriptor @2 :Bool;    # false: the worker was given it before
  descriptor @3 :UInt32;
}

struct KernelTask {
  image @0 :Data;
  imageName @1 :Text;
  kernel @2 :Text;
  columns @3 :List(UInt32);
  arguments @4 :List(Argument);

  struct Argument {
    name @0 :Text;
    value @1 :Text;
  }
}

struct KernelPartial {
  counts @0 :Common.ElementCounts;
  state @1 :Data;
}

struct KernelOutput {
  label @0 :Text;
  union {
    integer @1 :Common.Int128;
    f64Bits @2 :UInt64;
    f32Bits @3 :UInt32;
    text @4 :Text;
    error @5 :Common.Error;
  }
}

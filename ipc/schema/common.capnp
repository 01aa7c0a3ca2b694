# What every message shares. Never renumber a field; retired numbers stay listed.
@0xc5a3f1e09b7d2461;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("tally::schema");

struct JobId {
  tag @0 :UInt64;     # drawn at random when the daemon started
  number @1 :UInt64;
}

struct Int128 {
  low @0 :UInt64;
  high @1 :Int64;
}

struct Error {
  errc @0 :UInt16;    # the class: ipc/base/error.h
  code @1 :Text;      # finer, stable: "unknown_column"
  message @2 :Text;   # for people
  fields @3 :List(Field);

  struct Field {
    name @0 :Text;
    union {
      number @1 :Int64;
      text @2 :Text;
    }
  }
}

struct ElementCounts {
  seen @0 :UInt64;
  kept @1 :UInt64;
  missing @2 :UInt64;
  filtered @3 :UInt64;
}

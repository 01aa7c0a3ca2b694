// The table of names: a name in the region means one object, made by whoever asks
// first.
//
// Entries are written once and counted last: a process that dies while it adds one
// leaves nothing, and looking up needs no lock. Names are never removed; they go with
// the job.
#pragma once

#include <cstddef>
#include <string_view>

#include "ipc/sync/region.h"

namespace tally::sync {

struct ObjectSpec {
  Kind kind;
  std::uint64_t bytes;      // of the object
  std::uint64_t first = 0;  // what it is made with; all who open it must agree
  std::uint64_t second = 0;
};

// The object's bytes: `init` has filled them in if the name was new. They are zero
// before, or what a process that died in `init` left.
// Fails with invalid_argument: "bad_name" (empty, longer than kNameBytes, a NUL in it),
// "kind_mismatch" (the name is of another kind, or made with other values),
// "region_full" (no room for the name or the object); invalid_data "region_damaged";
// cancelled "region_closed".
Result<std::byte*> open_object(Region& region, std::string_view name,
                               const ObjectSpec& spec,
                               void (*init)(std::byte* at, const ObjectSpec& spec));

}  // namespace tally::sync

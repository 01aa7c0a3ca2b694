// The laws of kernels. Each is a function that tries a kernel with rows and says
// whether the law held; what a kernel does that is not the law's matter (it throws, it
// fails) comes as an Error and breaks the law as well.
//
// Threads: one; runs in a child (child.h).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "client/check/subject.h"

namespace tally::check {

struct Verdict {
  bool held = true;
  std::string detail;  // why not; or what there is to know

  static Verdict broken(std::string why) { return {false, std::move(why)}; }
  static Verdict kept(std::string note = {}) { return {true, std::move(note)}; }
};

struct Law {
  std::string_view name;
  std::string_view meaning;  // one line
  Result<Verdict> (*test)(Subject& subject, const RowSet& rows);
  bool exact_only = false;   // for kernels that claim to be exact
  bool needs_bytes = false;  // for kernels with serialize and deserialize
};

// In the order of the table. Of a kernel that breaks one of the first `kBasic` the
// others are not tried.
std::span<const Law> all_laws();
inline constexpr std::size_t kBasicLaws = 2;

// laws_of_order.cc: what may be done with rows and states in which order.
Result<Verdict> law_identity(Subject& subject, const RowSet& rows);
Result<Verdict> law_split(Subject& subject, const RowSet& rows);
Result<Verdict> law_permutation(Subject& subject, const RowSet& rows);
Result<Verdict> law_association(Subject& subject, const RowSet& rows);
Result<Verdict> law_source(Subject& subject, const RowSet& rows);

// laws_of_bytes.cc: how states travel.
Result<Verdict> law_round_trip(Subject& subject, const RowSet& rows);
Result<Verdict> law_garbage(Subject& subject, const RowSet& rows);

}  // namespace tally::check

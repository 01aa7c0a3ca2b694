// CoveredSpans: what a reader has read so far, as the partial will own it.
#pragma once

#include <cstdint>
#include <vector>

#include "ipc/model/chunk_task.h"

namespace tally::source {

class CoveredSpans {
 public:
  // In input order. Touching spans of a file become one; an empty span is nothing.
  void add(std::uint32_t file, std::uint64_t begin, std::uint64_t end) {
    if (begin == end) return;
    if (!spans_.empty() && spans_.back().file == file && spans_.back().end == begin)
      spans_.back().end = end;
    else
      spans_.push_back({file, begin, end});
  }

  void append_to(std::vector<model::Span>& into) const {
    into.insert(into.end(), spans_.begin(), spans_.end());
  }

 private:
  std::vector<model::Span> spans_;
};

}  // namespace tally::source

#include "runtime/merge/coverage.h"

#include <algorithm>
#include <string>
#include <tuple>

namespace tally::merge {
namespace {

Error mismatch(const std::string& what) {
  return Error(Errc::Internal, "coverage_mismatch",
               what + "; no result is given that does not cover each element once");
}

std::string text_of(const model::Span& span) {
  return "[" + std::to_string(span.begin) + ", " + std::to_string(span.end) +
         ") of file " + std::to_string(span.file);
}

// Of a stream nobody but its reader knows the end.
bool is_start_of(std::uint32_t file, const std::vector<model::Span>& spans) {
  return spans.empty() ||
         (spans.size() == 1 && spans.front().file == file && spans.front().begin == 0);
}

Result<void> check_column(const model::ColumnPartial& column,
                          const model::ColumnTask& task,
                          const ExpectedChunk& expected) {
  const model::ElementCounts& counts = column.counts;
  if (counts.seen != counts.kept + counts.missing + counts.filtered)
    return mismatch("a partial's counts do not add up");
  if (expected.elements && counts.seen != *expected.elements)
    return mismatch("a chunk of " + std::to_string(*expected.elements) +
                    " elements saw " + std::to_string(counts.seen));
  std::vector<model::Family> families = task.families;
  families.insert(families.end(), task.histograms.size(), model::Family::Histogram);
  families.insert(families.end(), task.windows.size(), model::Family::Ranks);
  if (column.states.size() != families.size())
    return mismatch("a partial has not the states that were asked for");
  for (std::size_t i = 0; i < families.size(); ++i)
    if (column.states[i].family != families[i])
      return mismatch("a partial has other states than were asked for");
  return {};
}

}  // namespace

Result<void> check_partial(const model::Partial& partial,
                           const ExpectedChunk& expected) {
  if (expected.stream && !is_start_of(*expected.stream, partial.spans))
    return mismatch("a partial covers " + text_of(partial.spans.front()) +
                    " where the stream " + std::to_string(*expected.stream) +
                    " was given out");
  if (!expected.stream && partial.spans != expected.spans)
    return mismatch("a partial covers " +
                    (partial.spans.empty() ? std::string("nothing")
                                           : text_of(partial.spans.front())) +
                    (partial.spans.size() > 1 ? " and more" : "") + " where " +
                    (expected.spans.empty() ? std::string("nothing")
                                            : text_of(expected.spans.front())) +
                    " was given out");
  if (partial.columns.size() != expected.columns.size())
    return mismatch("a partial has another number of columns than was asked for");
  for (std::size_t i = 0; i < partial.columns.size(); ++i) {
    const auto checked =
        check_column(partial.columns[i], expected.columns[i], expected);
    if (!checked) return checked;
    if (partial.columns[i].counts.seen != partial.columns[0].counts.seen)
      return mismatch("the columns of a partial saw different numbers of rows");
  }
  return {};
}

void Coverage::add(const std::vector<model::Span>& spans) {
  spans_.insert(spans_.end(), spans.begin(), spans.end());
}

Result<void> Coverage::covers_exactly(std::span<const std::uint64_t> sizes) {
  std::sort(spans_.begin(), spans_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.file, a.begin, a.end) < std::tie(b.file, b.begin, b.end);
  });
  std::size_t next = 0;
  for (std::uint32_t file = 0; file < sizes.size(); ++file) {
    std::uint64_t reached = 0;
    for (; next < spans_.size() && spans_[next].file == file; ++next) {
      if (spans_[next].begin != reached)
        return mismatch(
            (spans_[next].begin > reached ? "a gap before " : "an overlap at ") +
            text_of(spans_[next]));
      if (spans_[next].end < reached)
        return mismatch("a span that runs backwards, " + text_of(spans_[next]));
      reached = spans_[next].end;
    }
    if (reached != sizes[file])
      return mismatch("file " + std::to_string(file) + " is covered to " +
                      std::to_string(reached) + " of " + std::to_string(sizes[file]));
  }
  if (next != spans_.size()) return mismatch("a span of a file that is not there");
  return {};
}

}  // namespace tally::merge

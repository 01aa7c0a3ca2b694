#include "runtime/job/loss_place.h"

#include <string>
#include <utility>

namespace tally::job {

Error at_place(Error cause, const plan::Plan& plan, std::uint32_t chunk,
               const plan::Plan::Part& part) {
  const std::vector<model::Span> spans = plan.spans(chunk, part);
  if (spans.empty()) return cause;
  const std::string unit = plan.in_bytes() ? "bytes " : "elements ";
  if (spans.size() > 1)
    return std::move(cause)
        .within("with " + std::to_string(spans.size()) + " files, " +
                plan.file_name(spans.front().file) + " to " +
                plan.file_name(spans.back().file))
        .with("first_file", plan.file_name(spans.front().file))
        .with("last_file", plan.file_name(spans.back().file));
  const model::Span& span = spans.front();
  std::string where = "with " + unit + std::to_string(span.begin) + " to " +
                      std::to_string(span.end - 1);
  cause = std::move(cause)
              .with("begin", static_cast<std::int64_t>(span.begin))
              .with("end", static_cast<std::int64_t>(span.end));
  if (!plan.has_files()) return std::move(cause).within(where);
  const std::uint64_t offset = plan.byte_offset(span.file, span.begin);
  const std::string& name = plan.file_name(span.file);
  where += " of " + name;
  if (!plan.in_bytes()) where += " (from byte " + std::to_string(offset) + ")";
  cause = std::move(cause).within(where).with("byte_offset",
                                              static_cast<std::int64_t>(offset));
  if (cause.field("file") != nullptr) return cause;  // a kernel's loss names it already
  return std::move(cause).with("file", name);
}

}  // namespace tally::job

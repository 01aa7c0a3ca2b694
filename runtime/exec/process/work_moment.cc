#include "runtime/exec/process/work_moment.h"

#include <algorithm>
#include <utility>

#include "runtime/kernel/call_names.h"

namespace tally::exec {

WorkMoment WorkMoment::of(const ChunkPage& page) {
  const auto get = [](const auto& word) {
    return word.load(std::memory_order_relaxed);
  };
  return {get(page.begun),
          get(page.advanced),
          get(page.stage),
          get(page.source_file),
          {get(page.call),
           get(page.kernel),
           get(page.file),
           get(page.first_row),
           get(page.rows),
           {}}};
}

bool WorkMoment::operator==(const WorkMoment& other) const {
  return begun == other.begun && advanced == other.advanced && stage == other.stage &&
         source_file == other.source_file && place.call == other.place.call &&
         place.kernel == other.place.kernel && place.file == other.place.file &&
         place.first_row == other.place.first_row;
}

std::string doing(const WorkMoment& moment) {
  const KernelPlace& place = moment.place;
  if (place.call != KernelCall::None) {
    std::string text = "in " + std::string(kernels::name_of(place.call)) +
                       " of kernel " + std::to_string(place.kernel);
    if (place.call == KernelCall::Update && place.rows != 0)
      text += ", file " + std::to_string(place.file) + ", rows " +
              std::to_string(place.first_row) + " to " +
              std::to_string(place.first_row + place.rows - 1);
    return text;
  }
  const std::string done = ", " + std::to_string(moment.advanced) + " done";
  switch (moment.stage) {
    case ChunkStage::None: return "not begun";
    case ChunkStage::Opening: return "opening its input";
    case ChunkStage::Reading:
      return "reading file " + std::to_string(moment.source_file) + done;
    case ChunkStage::Reducing: return "reducing" + done;
  }
  return "?";
}

void StillWatch::begin(WorkMoment now, Nanoseconds now_ns) {
  moment_ = std::move(now);
  since_ns_ = now_ns;
}

void StillWatch::look(const WorkMoment& now, Nanoseconds now_ns) {
  if (!(now == moment_)) begin(now, now_ns);
}

void StillWatch::leave_out(Nanoseconds late_ns, Nanoseconds now_ns) {
  since_ns_ += std::min(late_ns, now_ns - since_ns_);
}

std::optional<std::chrono::nanoseconds> StillWatch::exceeded(const StallLimits& limits,
                                                             Nanoseconds now_ns) const {
  const std::chrono::nanoseconds limit =
      moment_.place.call != KernelCall::None ? limits.kernel : limits.worker;
  if (still(now_ns) < limit) return std::nullopt;
  return limit;
}

}  // namespace tally::exec

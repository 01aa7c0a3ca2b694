#include "runtime/exec/first_leaves.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "runtime/account/chunk_meter.h"
#include "runtime/exec/chunk_page.h"
#include "runtime/exec/chunk_runner.h"

namespace tally::exec {
namespace {

std::uint64_t extent_of(const std::vector<model::Span>& spans) {
  std::uint64_t extent = 0;
  for (const model::Span& span : spans) extent += span.end - span.begin;
  return extent;
}

// A reader that says it is exhausted when a bound is passed.
class BoundedReader : public source::BlockReader {
 public:
  BoundedReader(std::unique_ptr<source::BlockReader> reader,
                const FirstLeavesBounds& bounds)
      : reader_(std::move(reader)),
        bounds_(bounds),
        stop_ns_(monotonic_ns() + bounds.wall_ns) {}

  Result<bool> next(source::Batch& batch) override {
    if (begun_ && passed()) {
      batch = {};
      return false;
    }
    begun_ = true;
    return reader_->next(batch);
  }
  void spans(std::vector<model::Span>& into) const override { reader_->spans(into); }

 private:
  bool passed() const {
    if (monotonic_ns() >= stop_ns_) return true;
    std::vector<model::Span> read;
    reader_->spans(read);
    return extent_of(read) >= bounds_.extent;
  }

  const std::unique_ptr<source::BlockReader> reader_;
  const FirstLeavesBounds bounds_;
  const Nanoseconds stop_ns_;
  bool begun_ = false;
};

// What the kernel counts for the calling thread.
struct Waits {
  long given_up = 0;               // times it gave its CPU up
  Nanoseconds without_cpu_ns = 0;  // ready, and no CPU to be had; 0 if unknown
};

// The second of the three numbers of /proc/thread-self/schedstat.
Nanoseconds run_delay_ns() {
  const UniqueFd file(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
  if (!file) return 0;
  std::array<char, 128> text{};
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  if (got <= 0) return 0;
  const char* const end = text.data() + got;
  const char* const space = std::find<const char*>(text.data(), end, ' ');
  Nanoseconds delay = 0;
  if (space != end) std::from_chars(space + 1, end, delay);
  return delay;
}

Waits waits_so_far() {
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  return {used.ru_nvcsw, run_delay_ns()};
}

// Files are cut by the reader, which also looks at the clock.
void shorten(model::ChunkTask& task, std::uint64_t extent) {
  if (auto* range = std::get_if<model::RangePiece>(&task.piece))
    range->end = std::min(range->end, range->begin + extent);
}

}  // namespace

std::optional<FirstLeaves> measure_first_leaves(model::ChunkTask task,
                                                std::span<const int> descriptors,
                                                const FirstLeavesBounds& bounds) {
  shorten(task, bounds.extent);
  const auto page = std::make_unique<ChunkPage>();
  ChunkRunner runner(
      *page,
      [&](const model::ChunkTask& of, std::span<const int> fds,
          source::Scratch& scratch) -> Result<std::unique_ptr<source::BlockReader>> {
        auto reader = source::open_reader(of, fds, scratch);
        if (!reader) return std::move(reader).error();
        return std::unique_ptr<source::BlockReader>(
            std::make_unique<BoundedReader>(*std::move(reader), bounds));
      });
  account::ChunkMeter meter(nullptr);
  const Waits before = waits_so_far();
  meter.start(task);
  const model::ChunkOutcome outcome = runner.run(task, descriptors);
  const model::ChunkUsage usage = meter.stop();
  const Waits after = waits_so_far();

  const auto* partial = std::get_if<model::Partial>(&outcome.result);
  if (partial == nullptr) return std::nullopt;
  FirstLeaves measured;
  measured.extent = extent_of(partial->spans);
  measured.cpu_ns = usage.cpu_user_ns + usage.cpu_system_ns;
  if (after.given_up > before.given_up) {
    const Nanoseconds busy =
        measured.cpu_ns + (after.without_cpu_ns - before.without_cpu_ns);
    measured.waited_ns = usage.run_ns > busy ? usage.run_ns - busy : 0;
  }
  return measured;
}

}  // namespace tally::exec

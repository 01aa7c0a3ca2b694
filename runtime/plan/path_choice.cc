#include "runtime/plan/path_choice.h"

#include <algorithm>
#include <utility>

namespace tally::plan {
namespace {

// What is computed in the loop holds no tokens, so a job that names some is not.
bool fits_inline(const model::JobSpec& spec) {
  if (!spec.limits.empty()) return false;
  const std::optional<std::uint64_t> elements = carried_elements(spec.source);
  return elements && *elements <= kInlineElements;
}

Result<PathChoice> with_workers(const model::JobSpec& spec, const PathLimits& limits,
                                model::Path path, std::string reason) {
  PathChoice choice{path, 1, std::move(reason), false, spec.hint == model::Hint::Io};
  const bool process = path == model::Path::Process;
  const std::uint32_t most = process ? limits.workers : limits.threads;
  if (spec.workers > most)
    return Error(Errc::InvalidArgument, "too_many_workers",
                 std::to_string(spec.workers) + " workers were asked for; " +
                     (process ? "the pool has " : "the thread path has at most ") +
                     std::to_string(most))
        .with("limit", std::int64_t{most});
  if (spec.workers != 0)
    choice.workers = spec.workers;
  else if (process)
    choice.workers = limits.workers;
  else
    choice.workers = spec.hint == model::Hint::Io
                         ? limits.threads
                         : std::min(limits.usable_cores, limits.threads);
  return choice;
}

// `auto`: where there is input to wait for, that is still to be measured.
Result<PathChoice> unhinted(const model::JobSpec& spec, const PathLimits& limits) {
  std::string reason = "auto: no input to wait for";
  if (std::holds_alternative<model::MemorySource>(spec.source))
    reason = "auto: the input is in memory";
  Result<PathChoice> choice =
      with_workers(spec, limits, model::Path::Process, std::move(reason));
  if (choice) choice->open = std::holds_alternative<model::FilesSource>(spec.source);
  return choice;
}

}  // namespace

std::uint64_t elements_of(const model::RangeSource& range) {
  // Two's complement differences are exact in 64 bits, as stop > start (or <).
  const auto start = static_cast<std::uint64_t>(range.start);
  const auto stop = static_cast<std::uint64_t>(range.stop);
  if (range.step > 0 && range.start < range.stop) {
    const auto step = static_cast<std::uint64_t>(range.step);
    return (stop - start - 1) / step + 1;
  }
  if (range.step < 0 && range.start > range.stop) {
    const std::uint64_t step = 0U - static_cast<std::uint64_t>(range.step);
    return (start - stop - 1) / step + 1;
  }
  return 0;
}

std::optional<std::uint64_t> carried_elements(const model::Source& source) {
  if (const auto* range = std::get_if<model::RangeSource>(&source))
    return elements_of(*range);
  if (const auto* values = std::get_if<model::ValuesSource>(&source))
    return values->bytes.size() / model::size_of(values->type);
  return std::nullopt;
}

Result<PathChoice> choose_path(const model::JobSpec& spec, const PathLimits& limits,
                               KernelPlace kernels) {
  using model::Path;
  if (kernels != KernelPlace::None && spec.path == Path::Inline)
    return Error(Errc::InvalidArgument, "not_inline",
                 "jobs with kernels do not run inline");
  if (spec.require_isolated && (spec.path == Path::Thread || spec.path == Path::Inline))
    return Error(Errc::InvalidArgument, "not_isolated",
                 "--require isolated needs worker processes, but --path " +
                     std::string(name_of(spec.path)) + " was asked for; drop one");
  if (spec.path == Path::Inline && !fits_inline(spec))
    return Error(Errc::InvalidArgument, "not_inline",
                 "only range and values jobs of at most " +
                     std::to_string(kInlineElements) +
                     " elements and without limits run inline");

  if (spec.path == Path::Inline)
    return PathChoice{Path::Inline, 1, "path given", false, false};
  if (kernels == KernelPlace::Workers && spec.path == Path::Thread)
    return Error(Errc::InvalidArgument, "kernel_not_in_process",
                 "a kernel's code runs in worker processes, where a crash costs nobody "
                 "else; --path thread needs the administrator to list it in [kernels] "
                 "in_process. Drop --path thread");
  if (spec.path != Path::Any)
    return with_workers(spec, limits, spec.path, "path given");
  if (spec.require_isolated)
    return with_workers(spec, limits, Path::Process, "isolation required");
  if (kernels == KernelPlace::Workers)
    return with_workers(spec, limits, Path::Process,
                        spec.hint == model::Hint::Io
                            ? "kernels run in worker processes, whatever the hint"
                            : "kernels run in worker processes");
  if (kernels == KernelPlace::None && spec.workers == 0 && fits_inline(spec))
    return PathChoice{Path::Inline, 1,
                      "at most " + std::to_string(kInlineElements) + " elements", false,
                      false};
  switch (spec.hint) {
    case model::Hint::Cpu: return with_workers(spec, limits, Path::Process, "hint cpu");
    case model::Hint::Io: return with_workers(spec, limits, Path::Thread, "hint io");
    case model::Hint::Auto: break;
  }
  // What is measured in the daemon are built-in reducers.
  if (kernels != KernelPlace::None)
    return with_workers(spec, limits, Path::Process, "auto: kernels are isolated");
  return unhinted(spec, limits);
}

Result<PathChoice> choose_stream_path(const model::JobSpec& spec,
                                      const PathLimits& limits, KernelPlace kernels) {
  if (kernels == KernelPlace::Workers)
    return Error(Errc::InvalidArgument, "no_stream",
                 "a pipe is read once, by a thread of the daemon, and kernels run in "
                 "worker processes: save the input to a file first");
  const auto refused = [](const std::string& option) {
    return Error(Errc::InvalidArgument, "no_stream",
                 "a pipe is read once, by one thread of the daemon: it cannot be "
                 "shared out nor read again when a worker dies, so " +
                     option + "; drop the option, or save the input to a file first");
  };
  if (spec.path == model::Path::Process) return refused("--path process cannot be had");
  if (spec.require_isolated) return refused("--require isolated cannot be had");
  if (spec.workers != 0) return refused("--workers does not apply");
  return PathChoice{model::Path::Thread, limits.threads,
                    "a stream is read once, by a thread", false, true};
}

PathChoice settle_path(PathChoice open, const model::JobSpec& spec,
                       const PathLimits& limits,
                       const std::optional<MeasuredLeaves>& measured) {
  open.open = false;
  if (!measured || measured->cpu_ns + measured->waited_ns == 0) {
    open.reason = "auto: too little to measure";
    return open;
  }
  const std::uint64_t waiting =
      measured->waited_ns * 100 / (measured->cpu_ns + measured->waited_ns);
  if (waiting <= 50) {
    open.reason = "auto: the first leaves kept a CPU busy " +
                  std::to_string(100 - waiting) + " % of their time";
    return open;
  }
  open.path = model::Path::Thread;
  open.waits = true;
  open.workers = spec.workers != 0 ? spec.workers : limits.threads;
  open.reason = "auto: the first leaves waited " + std::to_string(waiting) +
                " % of their time for input";
  return open;
}

}  // namespace tally::plan

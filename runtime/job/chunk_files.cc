#include "runtime/job/chunk_files.h"

#include <asio/post.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace tally::job {
namespace {

Error changed(const std::string& name) {
  return Error(Errc::InvalidData, "file_changed",
               name +
                   " is not what it was when the job began: another file, size or "
                   "time of change")
      .with("file", name);
}

}  // namespace

std::vector<ChunkRun> cut_runs(const plan::Plan& plan, std::size_t most_files) {
  std::vector<ChunkRun> runs;
  for (std::uint32_t chunk = 0; chunk < plan.chunks(); ++chunk) {
    const std::vector<std::uint32_t> files = plan.files_of(chunk);
    if (runs.empty()) runs.push_back({});
    // The first may be the last of the chunk before; else they are beyond it.
    const auto shared = [&] {
      const auto& known = runs.back().files;
      return !files.empty() && !known.empty() && files.front() == known.back() ? 1 : 0;
    };
    const std::size_t most = runs.back().files.size() + files.size();
    if (runs.back().end_chunk > runs.back().first_chunk &&
        most - static_cast<std::size_t>(shared()) > most_files)
      runs.push_back({chunk, chunk, {}});
    ChunkRun& run = runs.back();
    run.files.insert(run.files.end(), files.begin() + shared(), files.end());
    run.end_chunk = chunk + 1;
  }
  return runs;
}

ChunkFiles::ChunkFiles(asio::io_context& loop, exec::ThreadPool& helpers,
                       std::shared_ptr<DescriptorRoom> room, std::uint32_t uid,
                       std::shared_ptr<FileWindows> windows, const plan::Plan& plan,
                       std::vector<source::FileIdentity> identities, Events events)
    : loop_(loop),
      helpers_(helpers),
      room_(std::move(room)),
      uid_(uid),
      windows_(std::move(windows)),
      identities_(std::move(identities)),
      events_(std::move(events)) {
  for (std::uint32_t file = 0; file < identities_.size(); ++file)
    names_.push_back(plan.file_name(file));
  for (ChunkRun& run : cut_runs(plan, FileWindows::kMostFiles)) {
    const std::uint32_t chunks = run.end_chunk - run.first_chunk;
    runs_.push_back({std::move(run), chunks, 0, false, nullptr});
  }
}

ChunkFiles::~ChunkFiles() {
  stop();
}

void ChunkFiles::start() {
  windows_->on_failure([weak = weak_from_this()](const Error& why) {
    const auto self = weak.lock();
    if (self && !self->stopped_) self->events_.failed(why);
  });
  ask_more();
}

void ChunkFiles::stop() {
  if (std::exchange(stopped_, true)) return;
  windows_->close();
  for (Run& run : runs_) close(run);
}

void ChunkFiles::ask_more() {
  while (!stopped_ && asked_ < runs_.size() && open_ < kMostOpenRuns) {
    const std::size_t count = runs_[asked_].chunks.files.size();
    if (!room_->has(uid_, count))
      return room_->wait([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->ask_more();
      });
    room_->hold(uid_, count);
    ++open_;
    ask(asked_++);
  }
}

// One window for each stretch of files without a hole.
void ChunkFiles::ask(std::size_t number) {
  Run& run = runs_[number];
  const auto& files = run.chunks.files;
  run.files = std::make_shared<exec::JobFiles>(files.size());
  run.missing = static_cast<std::uint32_t>(files.size());
  for (std::size_t at = 0; at < files.size() && !stopped_;) {
    std::size_t end = at + 1;
    while (end < files.size() && files[end] == files[end - 1] + 1) ++end;
    windows_->ask(files[at], static_cast<std::uint32_t>(end - at),
                  [weak = weak_from_this(), number, at](std::vector<UniqueFd> fds) {
                    const auto self = weak.lock();
                    if (self && !self->stopped_) self->came(number, at, std::move(fds));
                  });
    at = end;
  }
}

void ChunkFiles::came(std::size_t number, std::size_t place,
                      std::vector<UniqueFd> fds) {
  Run& run = runs_[number];
  for (UniqueFd& fd : fds) (*run.files)[place++] = std::move(fd);
  run.missing -= static_cast<std::uint32_t>(fds.size());
  if (run.missing == 0) check(number);
}

void ChunkFiles::check(std::size_t number) {
  const Run& run = runs_[number];
  helpers_.post([self = shared_from_this(), number, fds = run.files,
                 &files = run.chunks.files]() mutable {
    auto how = std::make_shared<Result<void>>();
    for (std::size_t i = 0; i < files.size() && *how; ++i) {
      const auto& name = self->names_[files[i]];
      const auto found = source::identity_of((*fds)[i].get(), name);
      if (!found)
        *how = found.error();
      else if (*found != self->identities_[files[i]])
        *how = changed(name);
    }
    fds.reset();
    asio::io_context& loop = self->loop_;
    asio::post(loop, [self = std::move(self), number, how] {
      if (!self->stopped_) self->checked(number, *how);
    });
  });
}

void ChunkFiles::checked(std::size_t number, const Result<void>& how) {
  if (!how) return events_.failed(how.error());
  runs_[number].ready = true;
  const std::size_t before = released_;
  while (released_ < runs_.size() && runs_[released_].ready) ++released_;
  if (released_ > before) events_.released(runs_[released_ - 1].chunks.end_chunk);
}

std::size_t ChunkFiles::run_of(std::uint32_t chunk) const {
  const auto after = std::upper_bound(
      runs_.begin(), runs_.end(), chunk,
      [](std::uint32_t one, const Run& run) { return one < run.chunks.first_chunk; });
  return static_cast<std::size_t>(after - runs_.begin()) - 1;
}

void ChunkFiles::place(std::uint32_t chunk, exec::Assignment& assignment) const {
  const Run& run = runs_[run_of(chunk)];
  const auto& files = run.chunks.files;
  assignment.files = run.files;
  for (std::uint32_t& descriptor : assignment.descriptors) {
    const auto at = std::lower_bound(files.begin(), files.end(), descriptor);
    descriptor = static_cast<std::uint32_t>(at - files.begin());
  }
}

void ChunkFiles::done(std::uint32_t chunk) {
  Run& run = runs_[run_of(chunk)];
  if (--run.left > 0) return;
  close(run);
  ask_more();
}

void ChunkFiles::close(Run& run) {
  if (!run.files) return;
  room_->give_back(uid_, run.files->size());
  run.files.reset();
  --open_;
}

}  // namespace tally::job

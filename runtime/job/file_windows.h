// FileWindows: the files of one job or plan that its client sends when asked.
//
// The daemon opens no files, and a client cannot hand ten thousand descriptors over at
// once. So whoever needs files asks for at most 64 of them; the client's answer has
// just these, or says why one cannot be had. Files may be asked for again.
//
// The first thing to go wrong is told to on_failure, once, and ends the exchange: an
// answer to what was not asked, of another size, or none within the patience given.
//
// Threads: the loop's. Lifetime: shared by the session, which brings the answers, and
// the job, which asks; after close() answers are dropped and nobody is called.
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ipc/base/clock.h"
#include "ipc/base/error.h"
#include "ipc/base/unique_fd.h"

namespace tally::job {

class FileWindows : public std::enable_shared_from_this<FileWindows> {
 public:
  static constexpr std::uint32_t kMostFiles = 64;  // of one window
  static constexpr std::chrono::seconds kPatience{10};

  using Ask = std::function<void(std::uint32_t first, std::uint32_t count)>;
  using Came = std::function<void(std::vector<UniqueFd>)>;
  using Failed = std::function<void(const Error&)>;

  FileWindows(const asio::any_io_executor& loop, Ask ask,
              std::chrono::milliseconds patience = kPatience);

  void on_failure(Failed failed) { failed_ = std::move(failed); }

  // Precondition: 1 <= count <= kMostFiles. `came` gets a descriptor for each.
  void ask(std::uint32_t first, std::uint32_t count, Came came);

  // What the client sent. Errors of other classes than Io and InvalidData are its own
  // words and become Io.
  void came(std::uint32_t first, std::vector<UniqueFd> fds, std::optional<Error> error);

  // No answer will come any more.
  void give_up(const Error& why) {
    if (!closed_) fail(why);
  }

  void close();

 private:
  struct Window {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    Nanoseconds deadline_ns = 0;
    Came came;
  };

  void fail(const Error& why);
  void arm();

  const Ask ask_;
  const std::chrono::milliseconds patience_;
  Failed failed_;
  std::vector<Window> asked_;  // in the order of asking, so of their deadlines
  bool closed_ = false;
  asio::steady_timer timer_;
};

}  // namespace tally::job

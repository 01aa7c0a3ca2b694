// MappedPage: a worker's ChunkPage as the daemon sees it, and the memfd behind it.
//
// Both sides can write the memfd but neither can resize it: a truncated one would raise
// SIGBUS in the daemon.
#pragma once

#include <utility>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "runtime/exec/chunk_page.h"

namespace tally::exec {

// Errors: Io.
Result<UniqueFd> make_page();

class MappedPage {
 public:
  // Constructs the page in it. Errors: Io.
  static Result<MappedPage> map(int fd);

  MappedPage() = default;
  MappedPage(MappedPage&& other) noexcept
      : page_(std::exchange(other.page_, nullptr)) {}
  MappedPage& operator=(MappedPage&& other) noexcept {
    std::swap(page_, other.page_);
    return *this;
  }
  ~MappedPage();
  ChunkPage* get() const { return page_; }

 private:
  explicit MappedPage(ChunkPage* page) : page_(page) {}
  ChunkPage* page_ = nullptr;
};

}  // namespace tally::exec

// KeptJob: what it takes to submit a job again after its connection was lost.
//
// Worth it are attached jobs that take a while and whose input can be read again: a
// range of over 2^20 elements, shared memory with as many, regular files of over 1 MiB
// in all (not so many that they come by windows). Smaller ones are sooner run anew by
// whoever wants them than kept.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "ipc/model/request.h"

namespace tally::client {

// Keeps duplicates of the descriptors, at most kMostDescriptors over all that share
// `descriptors`, which must outlive them.
class KeptJob {
 public:
  static constexpr std::size_t kMostDescriptors = 256;

  // nullptr: it is not worth it, or there are too many. Otherwise `request` has got a
  // client id, unless it had one.
  static std::unique_ptr<KeptJob> make(model::Submit& request, std::span<const int> fds,
                                       std::size_t& descriptors);
  ~KeptJob();
  KeptJob(const KeptJob&) = delete;
  KeptJob& operator=(const KeptJob&) = delete;

  const model::Submit& request() const { return request_; }
  std::vector<int> fds() const;

 private:
  KeptJob(model::Submit request, std::vector<UniqueFd> fds, std::size_t& descriptors);

  const model::Submit request_;
  const std::vector<UniqueFd> fds_;
  std::size_t& descriptors_;
};

}  // namespace tally::client

#include "runtime/job/kernel_states.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "ipc/base/seals.h"
#include "ipc/base/write_all.h"

namespace tally::job {
namespace {

constexpr std::size_t kSizeBytes = 8;  // before each state
constexpr std::size_t kWriteBytes = 1U << 20;
constexpr std::string_view kPassing = "passing on a kernel's states";

void append_state(std::vector<std::byte>& to, const std::vector<std::byte>& state) {
  for (std::size_t i = 0; i < kSizeBytes; ++i)
    to.push_back(static_cast<std::byte>(state.size() >> (8 * i)));
  to.insert(to.end(), state.begin(), state.end());
}

}  // namespace

KernelStates::KernelStates(std::size_t kernels) : counts_(kernels), outputs_(kernels) {}

Result<void> KernelStates::add(model::Partial& partial, std::uint8_t level) {
  Share& share = shares_[partial.key.chunk].emplace_back();
  share.level = level;
  for (std::size_t i = 0; i < partial.kernels.size(); ++i) {
    model::KernelPartial& one = partial.kernels[i];
    counts_[i].seen += one.counts.seen;
    counts_[i].kept += one.counts.kept;
    counts_[i].missing += one.counts.missing;
    counts_[i].filtered += one.counts.filtered;
    bytes_ += one.state.size() + kSizeBytes;
    if (bytes_ > kMostBytes)
      return Error(Errc::InvalidData, "kernel_states_too_large",
                   "the states of the job's chunks have more than " +
                       std::to_string(kMostBytes >> 20) +
                       " MiB together; give a larger --chunk, or a kernel with smaller "
                       "states")
          .with("limit", static_cast<std::int64_t>(kMostBytes));
    share.states.push_back(std::move(one.state));
  }
  return {};
}

std::uint64_t KernelStates::merge_input_bytes() const {
  return bytes_;
}

std::vector<std::uint8_t> KernelStates::levels() const {
  std::vector<std::uint8_t> levels;
  for (const auto& [chunk, shares] : shares_)
    for (const Share& share : shares) levels.push_back(share.level);
  return levels;
}

Result<UniqueFd> KernelStates::merge_input() const {
  UniqueFd fd(static_cast<int>(
      ::syscall(SYS_memfd_create, "tally-merge", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  if (!fd) return Error::from_errno("memfd_create");
  std::vector<std::byte> bytes;
  for (const auto& [chunk, shares] : shares_) {
    for (const Share& share : shares)
      for (const auto& state : share.states) append_state(bytes, state);
    if (bytes.size() < kWriteBytes) continue;
    if (Result<void> ok = write_all(fd.get(), bytes, kPassing); !ok)
      return std::move(ok).error();
    bytes.clear();
  }
  if (Result<void> ok = write_all(fd.get(), bytes, kPassing); !ok)
    return std::move(ok).error();
  if (!add_seals(fd.get(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL))
    return Error::from_errno("sealing a kernel's states");
  return fd;
}

Result<void> KernelStates::finished(
    std::vector<std::vector<model::KernelOutput>> outputs) {
  if (outputs.size() != outputs_.size())
    return Error(Errc::Internal, "bad_outputs",
                 "a worker gave the outputs of " + std::to_string(outputs.size()) +
                     " kernels, not of " + std::to_string(outputs_.size()));
  outputs_ = std::move(outputs);
  return {};
}

}  // namespace tally::job

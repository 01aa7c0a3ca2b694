#include "runtime/job/submit_digest.h"

#include <fcntl.h>
#include <sha2.h>
#include <sys/stat.h>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <variant>

#include "ipc/codec/job_codec.h"

namespace tally::job {
namespace {

class Sha256 {
 public:
  Sha256() { ::SHA256Init(&context_); }

  void add(std::span<const std::byte> bytes) {
    ::SHA256Update(&context_, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                   bytes.size());
  }
  void add(const std::integral auto& number) {
    add(std::as_bytes(std::span(&number, 1)));
  }

  std::array<std::byte, 16> first_half() {
    std::array<std::byte, SHA256_DIGEST_LENGTH> whole;
    ::SHA256Final(reinterpret_cast<std::uint8_t*>(whole.data()), &context_);
    std::array<std::byte, 16> half;
    std::copy_n(whole.begin(), half.size(), half.begin());
    return half;
  }

 private:
  SHA2_CTX context_;
};

bool is_windowed(const model::JobSpec& spec) {
  const auto* files = std::get_if<model::FilesSource>(&spec.source);
  return files != nullptr && files->windowed;
}

// False: nothing is known of it. A stream's times change as it is written.
bool add_identity(Sha256& hash, int fd) {
  struct statx is {};
  if (::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &is) != 0)
    return false;
  hash.add(is.stx_dev_major);
  hash.add(is.stx_dev_minor);
  hash.add(is.stx_ino);
  if (S_ISFIFO(is.stx_mode)) return true;
  hash.add(is.stx_size);
  hash.add(is.stx_mtime.tv_sec);
  hash.add(is.stx_mtime.tv_nsec);
  return true;
}

}  // namespace

std::optional<SubmitDigest> digest_of(const model::JobSpec& spec,
                                      std::span<const UniqueFd> fds) {
  if (is_windowed(spec)) return std::nullopt;
  Sha256 asked;
  asked.add(ipc::encoded_spec(spec));
  Sha256 inputs;
  for (const UniqueFd& fd : fds)
    if (!add_identity(inputs, fd.get())) return std::nullopt;
  return SubmitDigest{asked.first_half(), inputs.first_half()};
}

}  // namespace tally::job

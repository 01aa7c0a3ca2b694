#include "client/kept_job.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tally::client {
namespace {

constexpr std::uint64_t kManyElements = std::uint64_t{1} << 20;
constexpr std::uint64_t kManyBytes = std::uint64_t{1} << 20;

std::uint64_t elements_of(const model::RangeSource& range) {
  const auto start = static_cast<std::uint64_t>(range.start);
  const auto stop = static_cast<std::uint64_t>(range.stop);
  const auto step = static_cast<std::uint64_t>(range.step);
  if (range.step > 0) return range.start < range.stop ? (stop - start) / step : 0;
  if (range.step < 0) return range.start > range.stop ? (start - stop) / -step : 0;
  return 0;
}

// None: it is no regular file, so it cannot be read again.
std::optional<std::uint64_t> size_of(int fd) {
  struct stat is {};
  if (::fstat(fd, &is) != 0 || !S_ISREG(is.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(is.st_size);
}

bool is_large(const model::Source& source, std::span<const int> fds) {
  if (const auto* range = std::get_if<model::RangeSource>(&source))
    return elements_of(*range) > kManyElements;
  if (const auto* memory = std::get_if<model::MemorySource>(&source))
    return memory->count > kManyElements;
  const auto* files = std::get_if<model::FilesSource>(&source);
  if (files == nullptr || files->windowed) return false;
  std::uint64_t bytes = 0;
  for (const model::FileEntry& file : files->files) {
    if (file.descriptor >= fds.size()) return false;
    const std::optional<std::uint64_t> size = size_of(fds[file.descriptor]);
    if (!size) return false;
    bytes += *size;
  }
  return bytes > kManyBytes;
}

// 128 random bits: nobody else comes upon it. Empty: there are none to be had.
std::string new_client_id() {
  std::array<unsigned char, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) != std::ssize(random)) return {};
  std::string id(model::kLibraryIdPrefix);
  constexpr char kDigits[] = "0123456789abcdef";
  for (const unsigned char byte : random) {
    id += kDigits[byte >> 4];
    id += kDigits[byte & 15];
  }
  return id;
}

}  // namespace

std::unique_ptr<KeptJob> KeptJob::make(model::Submit& request, std::span<const int> fds,
                                       std::size_t& descriptors) {
  const bool attached =
      !request.spec.detached && request.reply_when == model::ReplyWhen::Finished;
  if (!attached || !is_large(request.spec.source, fds)) return nullptr;
  if (descriptors + fds.size() > kMostDescriptors) return nullptr;
  std::vector<UniqueFd> copies;
  copies.reserve(fds.size());
  for (const int fd : fds) {
    copies.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copies.back()) return nullptr;
  }
  if (request.spec.client_id.empty()) request.spec.client_id = new_client_id();
  if (request.spec.client_id.empty()) return nullptr;
  return std::unique_ptr<KeptJob>(new KeptJob(request, std::move(copies), descriptors));
}

KeptJob::KeptJob(model::Submit request, std::vector<UniqueFd> fds,
                 std::size_t& descriptors)
    : request_(std::move(request)), fds_(std::move(fds)), descriptors_(descriptors) {
  descriptors_ += fds_.size();
}

KeptJob::~KeptJob() {
  descriptors_ -= fds_.size();
}

std::vector<int> KeptJob::fds() const {
  std::vector<int> numbers;
  for (const UniqueFd& fd : fds_) numbers.push_back(fd.get());
  return numbers;
}

}  // namespace tally::client

#include "runtime/source/aliased_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

namespace tally::source {
namespace {

constexpr std::size_t kLeast = 64 * 1024;  // bytes: growing is three system calls

void* map(int file, std::size_t bytes, int protection) {
  void* at = ::mmap(nullptr, bytes, protection, MAP_SHARED, file, 0);
  return at == MAP_FAILED ? nullptr : at;
}

}  // namespace

AliasedMemory::AliasedMemory(AliasedMemory&& other) noexcept
    : file_(std::move(other.file_)),
      writable_(std::exchange(other.writable_, nullptr)),
      readable_(std::exchange(other.readable_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

AliasedMemory& AliasedMemory::operator=(AliasedMemory&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(writable_, other.writable_);
  std::swap(readable_, other.readable_);
  std::swap(size_, other.size_);
  return *this;
}

AliasedMemory::~AliasedMemory() {
  if (writable_ != nullptr) ::munmap(writable_, size_);
  if (readable_ != nullptr) ::munmap(const_cast<std::byte*>(readable_), size_);
}

Result<void> AliasedMemory::reserve(std::size_t bytes) {
  if (bytes <= size_) return {};
  if (!file_) file_.reset(::memfd_create("tally-blocks", MFD_CLOEXEC));
  if (!file_) return Error::from_errno("memory for blocks");
  std::size_t wanted = std::max({bytes, 2 * size_, kLeast});
  wanted = (wanted + 4095) / 4096 * 4096;
  if (::ftruncate(file_.get(), static_cast<off_t>(wanted)) != 0)
    return Error::from_errno("memory for blocks");
  void* writable = map(file_.get(), wanted, PROT_READ | PROT_WRITE);
  if (writable == nullptr) return Error::from_errno("memory for blocks");
  void* readable = map(file_.get(), wanted, PROT_READ);
  if (readable == nullptr) {
    Error error = Error::from_errno("memory for blocks");
    ::munmap(writable, wanted);
    return error;
  }
  if (writable_ != nullptr) ::munmap(writable_, size_);
  if (readable_ != nullptr) ::munmap(const_cast<std::byte*>(readable_), size_);
  writable_ = static_cast<std::byte*>(writable);
  readable_ = static_cast<const std::byte*>(readable);
  size_ = wanted;
  return {};
}

}  // namespace tally::source

#include "runtime/kernel/guarded_memory.h"

#include <array>
#include <atomic>
#include <cstring>
#include <new>

namespace tally::kernels {
namespace {

constexpr std::size_t kGuard = 64;  // bytes before; as many at least behind
constexpr std::align_val_t kAlignment{64};

constexpr std::array<unsigned char, 2 * kGuard> kPattern = [] {
  std::array<unsigned char, 2 * kGuard> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(0xA5 ^ (i * 29));
  return bytes;
}();

// What was abandoned, each with the address of the one before: lost on purpose, which
// leak checkers should see.
std::atomic<std::byte*> abandoned{nullptr};

// Up to the next multiple of 64, and 64 more.
std::size_t guard_behind(std::size_t bytes) {
  return kGuard + (kGuard - bytes % kGuard) % kGuard;
}

}  // namespace

GuardedMemory::GuardedMemory(std::size_t bytes) : bytes_(bytes) {
  const std::size_t behind = guard_behind(bytes);
  auto* room =
      static_cast<std::byte*>(::operator new(kGuard + bytes + behind, kAlignment));
  std::memcpy(room, kPattern.data(), kGuard);
  start_ = room + kGuard;
  std::memset(start_, 0, bytes);
  std::memcpy(start_ + bytes, kPattern.data(), behind);
}

GuardedMemory::~GuardedMemory() {
  if (start_ != nullptr) ::operator delete(start_ - kGuard, kAlignment);
}

void GuardedMemory::abandon() {
  std::byte* const room = std::exchange(start_, nullptr) - kGuard;
  std::byte* const before = abandoned.exchange(room);
  std::memcpy(room, &before, sizeof before);
}

bool GuardedMemory::intact() const {
  return std::memcmp(start_ - kGuard, kPattern.data(), kGuard) == 0 &&
         std::memcmp(start_ + bytes_, kPattern.data(), guard_behind(bytes_)) == 0;
}

}  // namespace tally::kernels

// Element types, and arrays that are shared with the daemon. Included by
// tally/tally.hpp.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "tally/cpp/error.hpp"

namespace tally {
inline namespace cpp0 {

// TALLY_TYPE_* of a C++ type: integers of 8 to 64 bits, float, double.
template <typename T>
requires std::is_arithmetic_v<T> &&(!std::is_same_v<T, bool>)constexpr tally_type
    type_of() {
  if constexpr (std::is_same_v<T, float>) {
    return TALLY_TYPE_F32;
  } else if constexpr (std::is_same_v<T, double>) {
    return TALLY_TYPE_F64;
  } else {
    static_assert(std::is_integral_v<T> && sizeof(T) <= 8, "not an element type");
    constexpr tally_type first = std::is_signed_v<T> ? TALLY_TYPE_I8 : TALLY_TYPE_U8;
    return first + (sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3);
  }
}

// An array that the daemon reads where it lies: a sealed memfd. It never changes once
// it is made, and is freed when the last of this object and the jobs over it are gone.
template <typename T>
class SharedArray {
 public:
  // Lets `fill(std::span<T>)` write `count` elements (zeroes at first), then seals.
  // `count` must not be 0: an empty memory cannot be mapped.
  template <typename Fill>
  static Expected<SharedArray> make(std::size_t count, Fill&& fill) {
    SharedArray made;
    made.fd_ =
        detail::Fd(::memfd_create("tally-array", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    const std::size_t bytes = count * sizeof(T);
    if (made.fd_.get() < 0 ||
        ::ftruncate(made.fd_.get(), static_cast<off_t>(bytes)) != 0)
      return detail::system_error("no memory can be shared");
    {
      const Map writable(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, made.fd_.get());
      if (!writable) return detail::system_error("the shared memory cannot be mapped");
      fill(std::span<T>(static_cast<T*>(writable.at()), count));
      // Sealing against writes needs every writable map to be gone.
    }
    if (::fcntl(made.fd_.get(), F_ADD_SEALS,
                F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
      return detail::system_error("the shared memory cannot be sealed");
    made.map_ = Map(bytes, PROT_READ, MAP_PRIVATE, made.fd_.get());
    if (!made.map_) return detail::system_error("the shared memory cannot be mapped");
    made.count_ = count;
    return made;
  }

  std::span<const T> data() const noexcept {
    return {static_cast<const T*>(map_.at()), count_};
  }
  int fd() const noexcept { return fd_.get(); }  // stays owned here

 private:
  class Map {
   public:
    Map() = default;
    Map(std::size_t bytes, int protection, int flags, int fd)
        : at_(::mmap(nullptr, bytes, protection, flags, fd, 0)), bytes_(bytes) {}
    Map(Map&& other) noexcept
        : at_(std::exchange(other.at_, MAP_FAILED)), bytes_(other.bytes_) {}
    Map& operator=(Map&& other) noexcept {
      std::swap(at_, other.at_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Map() {
      if (at_ != MAP_FAILED) ::munmap(at_, bytes_);
    }
    explicit operator bool() const noexcept { return at_ != MAP_FAILED; }
    void* at() const noexcept { return at_; }

   private:
    void* at_ = MAP_FAILED;
    std::size_t bytes_ = 0;
  };

  SharedArray() = default;

  detail::Fd fd_;
  Map map_;
  std::size_t count_ = 0;
};

}  // namespace cpp0
}  // namespace tally

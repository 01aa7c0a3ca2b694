// ArrayAllocator: for containers whose storage is to be reduced where it lies. Included
// by tally/tally.hpp.
//
//   std::vector<double, tally::ArrayAllocator<double>> samples = …;
//   tally::SharedArray<double> shared = tally::share(std::move(samples)).value();
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "tally/cpp/error.hpp"
#include "tally/cpp/shared_array.hpp"

namespace tally {
inline namespace cpp0 {

namespace detail {

// Storage begins a page into its array; the page before says whose it is, so that the
// allocator needs no state.
inline constexpr std::size_t kStorageOffset = 4096;

inline tally_array*& array_of_storage(void* storage) noexcept {
  return *reinterpret_cast<tally_array**>(static_cast<std::byte*>(storage) -
                                          kStorageOffset);
}

}  // namespace detail

// Every allocation is a mapping and a descriptor of its own: for large vectors, few of
// them; reserve() what will be needed. Throws std::bad_alloc. Stateless.
template <typename T>
class ArrayAllocator {
 public:
  using value_type = T;

  ArrayAllocator() = default;
  template <typename U>
  ArrayAllocator(const ArrayAllocator<U>& /*other*/) noexcept {}

  T* allocate(std::size_t count) {
    constexpr std::size_t most =
        (static_cast<std::size_t>(-1) / 2 - detail::kStorageOffset) / sizeof(T);
    tally_array* array = nullptr;
    if (count > most ||
        tally_array_create(TALLY_TYPE_U8, detail::kStorageOffset + count * sizeof(T),
                           &array, nullptr) != TALLY_OK)
      throw std::bad_alloc();
    void* const storage =
        static_cast<std::byte*>(tally_array_data(array)) + detail::kStorageOffset;
    detail::array_of_storage(storage) = array;
    return static_cast<T*>(storage);
  }
  void deallocate(T* storage, std::size_t /*count*/) noexcept {
    tally_array_free(detail::array_of_storage(storage));
  }

  friend bool operator==(const ArrayAllocator&, const ArrayAllocator&) noexcept {
    return true;
  }
};

// Gives a vector's storage away, without a copy: its elements, read-only from now on,
// at the same address. Where that fails the vector is as it was, else it is empty.
template <typename T>
Expected<SharedArray<T>> share(std::vector<T, ArrayAllocator<T>>&& vector) {
  using Vector = std::vector<T, ArrayAllocator<T>>;
  if (vector.capacity() == 0) return SharedArray<T>::make(0, [](std::span<T>) {});
  // It stays a vector's: freeing it is what that does at its end, and all. (Elements
  // have no destructors that would write.)
  auto owner = std::make_shared<Vector>(std::move(vector));
  tally_array* const array = detail::array_of_storage(owner->data());
  const Expected<Done> done = detail::attempt(
      [&](tally_error** error) { return tally_array_share(array, error); });
  if (!done) {
    vector = std::move(*owner);
    return done.error();
  }
  const std::span<const T> elements(owner->data(), owner->size());
  return SharedArray<T>(array, elements, std::move(owner));
}

}  // namespace cpp0
}  // namespace tally

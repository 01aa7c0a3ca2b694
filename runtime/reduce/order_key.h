// Order keys: elements of every type as 64-bit integers in the order that min and max
// go by. For floats that is -inf < … < -0 < +0 < … < +inf. A NaN's key is outside of
// those of the infinities, on one side or the other.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace tally::reduce {

template <typename T>
constexpr std::int64_t order_key(T value) {
  if constexpr (std::floating_point<T>) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    const auto bits = std::bit_cast<Bits>(value);
    // The bits of negative floats grow with their size: turn them round.
    return bits < 0 ? bits ^ std::numeric_limits<Bits>::max() : bits;
  } else if constexpr (std::same_as<T, std::uint64_t>) {
    return static_cast<std::int64_t>(value ^ (std::uint64_t{1} << 63));
  } else {
    return static_cast<std::int64_t>(value);
  }
}

// Precondition: `key` is one of a T.
template <typename T>
constexpr T value_of_key(std::int64_t key) {
  if constexpr (std::floating_point<T>) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    const auto bits = static_cast<Bits>(key);
    return std::bit_cast<T>(bits < 0 ? bits ^ std::numeric_limits<Bits>::max() : bits);
  } else if constexpr (std::same_as<T, std::uint64_t>) {
    return static_cast<std::uint64_t>(key) ^ (std::uint64_t{1} << 63);
  } else {
    return static_cast<T>(key);
  }
}

// The keys of all that is not NaN.
template <typename T>
inline constexpr std::int64_t kLowestKey =
    std::floating_point<T> ? order_key(-std::numeric_limits<T>::infinity())
                           : order_key(std::numeric_limits<T>::lowest());
template <typename T>
inline constexpr std::int64_t kHighestKey =
    std::floating_point<T> ? order_key(std::numeric_limits<T>::infinity())
                           : order_key(std::numeric_limits<T>::max());

}  // namespace tally::reduce

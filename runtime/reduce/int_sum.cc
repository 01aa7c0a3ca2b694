#include "runtime/reduce/int_sum.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "runtime/reduce/int_sum_kernel.h"

namespace tally::reduce {
namespace {

// The sum of the elements that the kernel read of `bytes`, each raised by half its
// range if T is signed.
template <typename T>
IntegerSum raised_sum(const std::byte* data, std::size_t bytes) {
  using Unsigned = std::make_unsigned_t<T>;
  constexpr unsigned kBits = std::numeric_limits<Unsigned>::digits;
  constexpr std::uint64_t kSign =
      std::is_signed_v<T> ? std::uint64_t{1} << (kBits - 1) : 0;
  HalfSums sums;
  if constexpr (sizeof(T) == 1) {
    sums = half_sums_16(data, bytes, static_cast<std::uint16_t>(kSign << 8 | kSign));
  } else if constexpr (sizeof(T) == 2) {
    sums = half_sums_32(data, bytes, static_cast<std::uint32_t>(kSign << 16 | kSign));
  } else if constexpr (sizeof(T) == 4) {
    sums = half_sums_64(data, bytes, kSign << 32 | kSign);
  } else {
    sums = half_sums_64(data, bytes, kSign);
  }
  const unsigned high_weight = sizeof(T) == 8 ? 32 : 0;
  return {Int128{sums.low} + (Int128{sums.high} << high_weight),
          sums.bytes / sizeof(T)};
}

}  // namespace

template <typename T>
IntegerSum integer_sum(const T* data, std::size_t count) {
  constexpr std::size_t kPiece = kMaxHalfSumBytes / sizeof(T);
  constexpr Int128 kRaise =
      std::is_signed_v<T> ? -Int128{std::numeric_limits<T>::min()} : Int128{0};
  IntegerSum sum;
  while (sum.visited < count) {
    const T* piece = data + sum.visited;
    const std::size_t size = std::min(kPiece, count - sum.visited);
    const IntegerSum raised =
        raised_sum<T>(reinterpret_cast<const std::byte*>(piece), size * sizeof(T));
    sum.total += raised.total - kRaise * static_cast<Int128>(raised.visited);
    std::size_t i = raised.visited;
    for (; i < size; ++i) sum.total += piece[i];
    sum.visited += i;
  }
  return sum;
}

template IntegerSum integer_sum(const std::int8_t*, std::size_t);
template IntegerSum integer_sum(const std::int16_t*, std::size_t);
template IntegerSum integer_sum(const std::int32_t*, std::size_t);
template IntegerSum integer_sum(const std::int64_t*, std::size_t);
template IntegerSum integer_sum(const std::uint8_t*, std::size_t);
template IntegerSum integer_sum(const std::uint16_t*, std::size_t);
template IntegerSum integer_sum(const std::uint32_t*, std::size_t);
template IntegerSum integer_sum(const std::uint64_t*, std::size_t);

}  // namespace tally::reduce

// Highway compiles this file once for each instruction set; names inside
// HWY_NAMESPACE follow Highway.
//
// Four operations a vector: with two accumulators of each the loop waits for memory.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/reduce/bits_kernel.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <bit>
#include <type_traits>

#include "runtime/reduce/bits_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace tally::reduce::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
using WordOf = std::conditional_t<
    sizeof(T) == 1, std::uint8_t,
    std::conditional_t<
        sizeof(T) == 2, std::uint16_t,
        std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;

// A float's bits are doubled, which takes the sign away: -0 is zero, a NaN is not.
// Only integers are touched, so FTZ and DAZ do not matter.
template <typename T, class D>
HWY_INLINE hn::VFromD<D> LoadWord(D d, const T* at) {
  const auto word = hn::BitCast(d, hn::LoadU(hn::Rebind<T, D>(), at));
  if constexpr (std::is_floating_point_v<T>) return hn::Add(word, word);
  return word;
}

template <typename T>
WordOf<T> WordOfElement(T element) {
  const auto word = std::bit_cast<WordOf<T>>(element);
  if constexpr (std::is_floating_point_v<T>) return word << 1;
  return word;
}

template <typename T>
BitsRun BitsOf(const T* data, std::size_t count) {
  using Word = WordOf<T>;
  const hn::ScalableTag<Word> d;
  const std::size_t lanes = hn::Lanes(d);
  BitsRun run{~std::uint64_t{0} >> (64 - 8 * sizeof(Word)), 0, 0, false, 0};
  if (count >= 2 * lanes) {
    auto and0 = hn::Not(hn::Zero(d)), and1 = and0;
    auto or0 = hn::Zero(d), or1 = or0, xor0 = or0, xor1 = or0;
    auto zero = or0;  // all ones in the lanes where a zero was
    for (; count - run.visited >= 2 * lanes; run.visited += 2 * lanes) {
      const auto a = LoadWord(d, data + run.visited);
      const auto b = LoadWord(d, data + run.visited + lanes);
      and0 = hn::And(and0, a);
      and1 = hn::And(and1, b);
      or0 = hn::Or(or0, a);
      or1 = hn::Or(or1, b);
      xor0 = hn::Xor(xor0, a);
      xor1 = hn::Xor(xor1, b);
      zero = hn::Or(zero, hn::VecFromMask(d, hn::Eq(a, hn::Zero(d))));
      zero = hn::Or(zero, hn::VecFromMask(d, hn::Eq(b, hn::Zero(d))));
    }
    HWY_ALIGN Word ands[hn::MaxLanes(d)];
    HWY_ALIGN Word ors[hn::MaxLanes(d)];
    HWY_ALIGN Word xors[hn::MaxLanes(d)];
    hn::Store(hn::And(and0, and1), d, ands);
    hn::Store(hn::Or(or0, or1), d, ors);
    hn::Store(hn::Xor(xor0, xor1), d, xors);
    for (std::size_t i = 0; i < lanes; ++i) {
      run.conjunction &= ands[i];
      run.disjunction |= ors[i];
      run.difference ^= xors[i];
    }
    run.zero_seen = !hn::AllTrue(d, hn::Eq(zero, hn::Zero(d)));
  }
  for (; run.visited < count; ++run.visited) {
    const Word word = WordOfElement(data[run.visited]);
    run.conjunction &= word;
    run.disjunction |= word;
    run.difference ^= word;
    run.zero_seen = run.zero_seen || word == 0;
  }
  return run;
}

BitsRun BitsOfI8(const std::int8_t* data, std::size_t n) {
  return BitsOf(data, n);
}
BitsRun BitsOfI16(const std::int16_t* data, std::size_t n) {
  return BitsOf(data, n);
}
BitsRun BitsOfI32(const std::int32_t* data, std::size_t n) {
  return BitsOf(data, n);
}
BitsRun BitsOfI64(const std::int64_t* data, std::size_t n) {
  return BitsOf(data, n);
}
BitsRun BitsOfU8(const std::uint8_t* data, std::size_t n) {
  return BitsOf(data, n);
}
BitsRun BitsOfU16(const std::uint16_t* data, std::size_t n) {
  return BitsOf(data, n);
}
BitsRun BitsOfU32(const std::uint32_t* data, std::size_t n) {
  return BitsOf(data, n);
}
BitsRun BitsOfU64(const std::uint64_t* data, std::size_t n) {
  return BitsOf(data, n);
}
BitsRun BitsOfF32(const float* data, std::size_t n) {
  return BitsOf(data, n);
}
BitsRun BitsOfF64(const double* data, std::size_t n) {
  return BitsOf(data, n);
}

}  // namespace tally::reduce::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tally::reduce {
namespace {
HWY_EXPORT(BitsOfI8);
HWY_EXPORT(BitsOfI16);
HWY_EXPORT(BitsOfI32);
HWY_EXPORT(BitsOfI64);
HWY_EXPORT(BitsOfU8);
HWY_EXPORT(BitsOfU16);
HWY_EXPORT(BitsOfU32);
HWY_EXPORT(BitsOfU64);
HWY_EXPORT(BitsOfF32);
HWY_EXPORT(BitsOfF64);
}  // namespace

template <>
BitsRun bits_of(const std::int8_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(BitsOfI8)(data, count);
}
template <>
BitsRun bits_of(const std::int16_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(BitsOfI16)(data, count);
}
template <>
BitsRun bits_of(const std::int32_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(BitsOfI32)(data, count);
}
template <>
BitsRun bits_of(const std::int64_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(BitsOfI64)(data, count);
}
template <>
BitsRun bits_of(const std::uint8_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(BitsOfU8)(data, count);
}
template <>
BitsRun bits_of(const std::uint16_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(BitsOfU16)(data, count);
}
template <>
BitsRun bits_of(const std::uint32_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(BitsOfU32)(data, count);
}
template <>
BitsRun bits_of(const std::uint64_t* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(BitsOfU64)(data, count);
}
template <>
BitsRun bits_of(const float* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(BitsOfF32)(data, count);
}
template <>
BitsRun bits_of(const double* data, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(BitsOfF64)(data, count);
}

}  // namespace tally::reduce
#endif

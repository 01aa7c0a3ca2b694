// Inputs and short-hands that the tests of states share.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include "runtime/reduce/state.h"

namespace tally::reduce::testing {

using model::ElementType;
using model::Family;

template <typename T>
constexpr ElementType type_of() {
  if constexpr (std::is_same_v<T, float>) return ElementType::F32;
  if constexpr (std::is_same_v<T, double>) return ElementType::F64;
  constexpr int kWidth = std::countr_zero(sizeof(T));
  const int first =
      static_cast<int>(std::is_signed_v<T> ? ElementType::I8 : ElementType::U8);
  return static_cast<ElementType>(first + kWidth);
}

// The families that elements of the type can be reduced by.
inline std::vector<Family> families_of(ElementType type) {
  std::vector<Family> families{Family::Sum, Family::Extremes, Family::Squares,
                               Family::Bits, Family::Dot};
  if (!model::is_float(type)) families.push_back(Family::Product);
  return families;
}

// Sizes where kernels break: none, one, around lanes, around unrolled steps, around
// flushes of narrow lanes and around chunks.
inline constexpr std::array<std::size_t, 20> kSizes{
    0,  1,  2,  3,   7,   8,    9,    15,   16,   17,
    63, 64, 65, 127, 129, 1023, 1024, 2049, 4099, 40'000};

template <typename T>
T any_bits(std::mt19937_64& random) {
  if constexpr (std::is_same_v<T, float>)
    return std::bit_cast<float>(static_cast<std::uint32_t>(random()));
  else if constexpr (std::is_same_v<T, double>)
    return std::bit_cast<double>(random());
  else
    return static_cast<T>(random());
}

// Any bits, the type's own edges now and then, and runs of what came before; floats of
// every exponent, but no infinities and no NaNs.
template <typename T>
std::vector<T> hostile(std::size_t count, std::uint64_t seed) {
  using Limits = std::numeric_limits<T>;
  std::mt19937_64 random(seed);  // fixed: a failure must come back
  const std::array<T, 6> edges{
      Limits::lowest(),
      Limits::max(),
      T{0},
      T{1},
      static_cast<T>(-1),
      std::is_floating_point_v<T> ? Limits::denorm_min() : Limits::min()};
  std::vector<T> values;
  while (values.size() < count) {
    T value = any_bits<T>(random);
    if (random() % 16 == 0) value = edges[random() % edges.size()];
    if (random() % 16 == 0 && !values.empty()) value = values[random() % values.size()];
    if constexpr (std::is_floating_point_v<T>) {
      if (!(value - value == 0)) continue;
      if (random() % 64 == 0) value = -T{0};
    }
    values.push_back(value);
  }
  return values;
}

inline constexpr std::uint64_t kFirstIndex = 1000;

// What an element is paired with where a family wants pairs: any bits, but the same
// whenever it comes.
template <typename T>
T partner_of(T value) {
  using Bits = std::conditional_t<
      sizeof(T) == 8, std::uint64_t,
      std::conditional_t<
          sizeof(T) == 4, std::uint32_t,
          std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint8_t>>>;
  std::uint64_t mixed = std::bit_cast<Bits>(value);
  for (;;) {
    mixed = (mixed + 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9;
    mixed ^= mixed >> 31;
    const T partner = std::bit_cast<T>(static_cast<Bits>(mixed));
    if (partner - partner == 0) return partner;
  }
}

// Feeds values[begin, end) as one block of file 3, which values[0] is `skipped` past.
template <typename T>
void feed(State& state, std::span<const T> values, std::size_t begin, std::size_t end,
          std::size_t skipped = 0) {
  Block block;
  block.data = values.data() + begin;
  block.count = end - begin;
  block.file = 3;
  block.first_index = kFirstIndex + skipped + begin;
  std::vector<T> partners;
  if (state.family() == Family::Dot) {
    for (std::size_t i = begin; i < end; ++i) partners.push_back(partner_of(values[i]));
    block.paired = partners.data();
  }
  if (state.update(block) != end - begin) std::abort();
}

template <typename T>
std::unique_ptr<State> state_over(Family family, std::span<const T> values,
                                  std::size_t begin, std::size_t end) {
  auto state = make_state(family, type_of<T>());
  feed(*state, values, begin, end);
  return state;
}

template <typename T>
std::unique_ptr<State> state_over(Family family, const std::vector<T>& values) {
  return state_over(family, std::span<const T>(values), 0, values.size());
}

inline std::vector<std::byte> bytes_of(const State& state) {
  std::vector<std::byte> bytes;
  state.serialise(bytes);
  return bytes;
}

}  // namespace tally::reduce::testing

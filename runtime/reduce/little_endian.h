// Fixed-width numbers as little-endian bytes, whatever the machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tally::reduce {

// Precondition: there is room for it.
template <typename Unsigned>
void set_little_endian(std::byte* at, Unsigned value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    at[i] = static_cast<std::byte>(value >> (8 * i));
}

template <typename Unsigned>
void put_little_endian(std::vector<std::byte>& into, Unsigned value) {
  const std::size_t at = into.size();
  into.resize(at + sizeof value);
  set_little_endian(into.data() + at, value);
}

// Precondition: at + sizeof(Unsigned) <= bytes.size().
template <typename Unsigned>
Unsigned get_little_endian(std::span<const std::byte> bytes, std::size_t at) {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<Unsigned>(
        value |
        static_cast<Unsigned>(std::to_integer<Unsigned>(bytes[at + i]) << (8 * i)));
  }
  return value;
}

// Words of 64 bits one after the other, the least first.
template <typename Words>
void put_words(std::vector<std::byte>& into, const Words& words) {
  std::size_t at = into.size();
  into.resize(at + 8 * words.size());
  for (const auto word : words) {
    set_little_endian(into.data() + at, static_cast<std::uint64_t>(word));
    at += 8;
  }
}

// Precondition: the bytes are there.
template <typename Words>
Words get_words(std::span<const std::byte> bytes, std::size_t offset) {
  Words words{};
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = get_little_endian<std::uint64_t>(bytes, offset + 8 * i);
  return words;
}

}  // namespace tally::reduce

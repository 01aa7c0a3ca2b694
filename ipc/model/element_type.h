// ElementType: what one element is, as typed by its source.
//
// The numbers are protocol (ipc/PROTOCOL.md); never renumber.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tally::model {

enum class ElementType : std::uint8_t {
  I8 = 1,
  I16 = 2,
  I32 = 3,
  I64 = 4,
  U8 = 5,
  U16 = 6,
  U32 = 7,
  U64 = 8,
  F32 = 9,
  F64 = 10,
};

inline constexpr std::uint8_t kLastElementType = 10;

constexpr std::size_t size_of(ElementType type) noexcept {
  switch (type) {
    case ElementType::I8:
    case ElementType::U8: return 1;
    case ElementType::I16:
    case ElementType::U16: return 2;
    case ElementType::I32:
    case ElementType::U32:
    case ElementType::F32: return 4;
    case ElementType::I64:
    case ElementType::U64:
    case ElementType::F64: return 8;
  }
  return 8;
}

constexpr bool is_float(ElementType type) noexcept {
  return type == ElementType::F32 || type == ElementType::F64;
}

constexpr bool is_signed_integer(ElementType type) noexcept {
  return type <= ElementType::I64;
}

constexpr std::string_view name_of(ElementType type) noexcept {
  switch (type) {
    case ElementType::I8: return "i8";
    case ElementType::I16: return "i16";
    case ElementType::I32: return "i32";
    case ElementType::I64: return "i64";
    case ElementType::U8: return "u8";
    case ElementType::U16: return "u16";
    case ElementType::U32: return "u32";
    case ElementType::U64: return "u64";
    case ElementType::F32: return "f32";
    case ElementType::F64: return "f64";
  }
  return "?";
}

// "f64" -> F64; none for a name that is none of the ten.
constexpr std::optional<ElementType> parse_element_type(
    std::string_view name) noexcept {
  for (std::uint8_t number = 1; number <= kLastElementType; ++number) {
    const auto type = static_cast<ElementType>(number);
    if (name_of(type) == name) return type;
  }
  return std::nullopt;
}

// Calls f with a value of the C++ type that `type` names: with_type(t, [](auto zero)
// { using T = decltype(zero); ... }).
template <typename F>
decltype(auto) with_type(ElementType type, F&& f) {
  switch (type) {
    case ElementType::I8: return f(std::int8_t{});
    case ElementType::I16: return f(std::int16_t{});
    case ElementType::I32: return f(std::int32_t{});
    case ElementType::I64: return f(std::int64_t{});
    case ElementType::U8: return f(std::uint8_t{});
    case ElementType::U16: return f(std::uint16_t{});
    case ElementType::U32: return f(std::uint32_t{});
    case ElementType::U64: return f(std::uint64_t{});
    case ElementType::F32: return f(float{});
    case ElementType::F64: break;
  }
  return f(double{});
}

}  // namespace tally::model

// Result<T>: a T or an Error. What std::expected<T, Error> will replace when the
// oldest supported compiler has it; only the subset named here is used.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "ipc/base/check.h"
#include "ipc/base/error.h"

namespace tally {

template <typename T>
class [[nodiscard]] Result {
  static_assert(!std::is_reference_v<T> && !std::is_same_v<T, Error>);

 public:
  // An Error. Asio hands handlers a default value when a coroutine throws.
  Result() : Result(Error(Errc::Internal, "no result")) {}
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }

  // Precondition: *this holds a value. Checked in every build.
  T& operator*() & { return *value(); }
  const T& operator*() const& { return *value(); }
  T&& operator*() && { return std::move(*value()); }
  T* operator->() { return value(); }
  const T* operator->() const { return value(); }

  // Precondition: *this holds an Error.
  const Error& error() const& {
    TALLY_CHECK(!*this);
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    TALLY_CHECK(!*this);
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  T* value() {
    TALLY_CHECK(*this);
    return std::get_if<0>(&state_);
  }
  const T* value() const {
    TALLY_CHECK(*this);
    return std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

// Success carries nothing: `return {};`.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}
  explicit operator bool() const noexcept { return !error_; }
  const Error& error() const& {
    TALLY_CHECK(error_);
    return *error_;
  }
  Error&& error() && {
    TALLY_CHECK(error_);
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace tally

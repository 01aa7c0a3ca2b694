// guarded: runs code that may throw (kj, toml++, Asio, the allocator) and turns an
// exception into an Error. The only place where tally catches.
#pragma once

#include <exception>
#include <new>
#include <string_view>
#include <type_traits>

#include "ipc/base/result.h"

namespace tally {

// The exception in flight, told as an Error of class `errc`. Call inside a catch.
inline Error error_from_exception(std::string_view where, Errc errc) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Error(Errc::Internal, "out_of_memory", "memory ran out").within(where);
  } catch (const std::exception& thrown) {
    return Error(errc, thrown.what()).within(where);
  } catch (...) {
    return Error(Errc::Internal, "an exception of unknown type").within(where);
  }
}

// f() returns a Result (passed through) or a plain value or void (wrapped).
template <typename F>
auto guarded(std::string_view where, Errc errc, F&& f) {
  using R = std::invoke_result_t<F>;
  if constexpr (std::is_void_v<R>) {
    try {
      f();
      return Result<void>();
    } catch (...) {
      return Result<void>(error_from_exception(where, errc));
    }
  } else if constexpr (requires(R r) { r.error(); }) {
    try {
      return f();
    } catch (...) {
      return R(error_from_exception(where, errc));
    }
  } else {
    try {
      return Result<R>(f());
    } catch (...) {
      return Result<R>(error_from_exception(where, errc));
    }
  }
}

}  // namespace tally

// Answer and its Results. Included by tally/tally.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tally/cpp/error.hpp"

namespace tally {
inline namespace cpp0 {

// An integer of 128 bits: high * 2^64 + low.
struct Int128 {
  std::int64_t high = 0;
  std::uint64_t low = 0;
};

// One result of an Answer: a view of it.
class Result {
 public:
  explicit Result(const tally_result* result) : result_(result) {}

  const char* label() const noexcept { return tally_result_label(result_); }
  const char* reducer() const noexcept { return tally_result_reducer(result_); }
  const char* column() const noexcept { return tally_result_column(result_); }
  tally_kind kind() const noexcept { return tally_result_kind(result_); }
  bool has_value() const noexcept { return kind() != TALLY_KIND_NONE; }
  // The value, exactly; "" if there is none.
  const char* text() const noexcept { return tally_result_text(result_); }
  // Why there is no value; nullptr if there is.
  const tally_error* error() const noexcept { return tally_result_error(result_); }

  // The value as T: std::int64_t, Int128, double, float. Errors: "wrong_kind",
  // "out_of_range", or why the result has no value.
  template <typename T>
  Expected<T> as() const {
    T value{};
    const Expected<Done> done =
        detail::attempt([&](tally_error** error) { return get(&value, error); });
    if (!done) return done.error();
    return value;
  }
  // Where argmin or argmax found it, from 0 within its file.
  Expected<std::uint64_t> index() const {
    std::uint64_t at = 0;
    const Expected<Done> done = detail::attempt([&](tally_error** error) {
      return tally_result_index(result_, &at, nullptr, error);
    });
    if (!done) return done.error();
    return at;
  }

  // Its arrays belong to the answer.
  Expected<tally_histogram> histogram() const {
    tally_histogram found{};
    found.struct_size = sizeof found;
    const Expected<Done> done = detail::attempt([&](tally_error** error) {
      return tally_result_histogram(result_, &found, error);
    });
    if (!done) return done.error();
    return found;
  }

 private:
  tally_status get(std::int64_t* to, tally_error** error) const {
    return tally_result_int64(result_, to, error);
  }
  tally_status get(Int128* to, tally_error** error) const {
    return tally_result_int128(result_, &to->high, &to->low, error);
  }
  tally_status get(double* to, tally_error** error) const {
    return tally_result_f64(result_, to, error);
  }
  tally_status get(float* to, tally_error** error) const {
    return tally_result_f32(result_, to, error);
  }

  const tally_result* result_;
};

// A job's answer; independent of its client.
class Answer {
 public:
  explicit Answer(tally_answer* taken) : answer_(taken) {}

  tally_state state() const noexcept { return tally_answer_state(get()); }
  const char* job() const noexcept { return tally_answer_job(get()); }
  tally_path path() const noexcept { return tally_answer_path(get()); }
  const char* reason() const noexcept { return tally_answer_reason(get()); }
  const char* json() const noexcept { return tally_answer_json(get()); }

  std::size_t size() const noexcept { return tally_answer_result_count(get()); }
  // In the order the reducers were added. Precondition: index < size().
  Result operator[](std::size_t index) const noexcept {
    return Result(tally_answer_result(get(), index));
  }

  tally_elements elements() const noexcept { return report(tally_answer_elements); }
  tally_times times() const noexcept { return report(tally_answer_times); }
  tally_memory memory() const noexcept { return report(tally_answer_memory); }

  // For the rest of tally.h; stays owned here.
  tally_answer* get() const noexcept { return answer_.get(); }

 private:
  template <typename Struct>
  Struct report(tally_status (*fill)(const tally_answer*, Struct*,
                                     tally_error**)) const noexcept {
    Struct filled{};
    filled.struct_size = sizeof filled;
    fill(get(), &filled, nullptr);  // cannot fail: neither is NULL
    return filled;
  }

  detail::AnswerPtr answer_;
};

}  // namespace cpp0
}  // namespace tally

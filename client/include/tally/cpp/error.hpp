// Error and Expected: how the C++ functions fail. Included by tally/tally.hpp.
#pragma once

#include <unistd.h>

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "tally/tally.h"

namespace tally {
inline namespace cpp0 {

// Why something failed. Copies are cheap and do not throw.
class [[nodiscard]] Error : public std::exception {
 public:
  // Takes both over; `answer` is that of the job that failed, if there is one.
  Error(tally_status status, tally_error* error, tally_answer* answer = nullptr)
      : status_(status),
        error_(error, tally_error_free),
        answer_(answer, tally_answer_free) {}
  // One of this header's own. `code` and `message` must be literals.
  Error(tally_status status, const char* code, const char* message)
      : status_(status), own_code_(code), own_message_(message) {}

  tally_status status() const noexcept { return status_; }  // the class
  // Finer and stable: "unknown_column".
  const char* code() const noexcept {
    return own_code_ != nullptr ? own_code_ : tally_error_code(error_.get());
  }
  // For people.
  const char* what() const noexcept override {
    if (own_message_ != nullptr) return own_message_;
    // Without memory there is no error to ask, only the status.
    return error_ ? tally_error_message(error_.get()) : tally_status_name(status_);
  }
  // One line; "" for this header's own errors.
  std::string json() const {
    const char* text = tally_error_json(error_.get());
    return text == nullptr ? std::string() : std::string(text);
  }
  // What the failed job says of itself (times, memory, partial results), for the
  // functions of tally.h; nullptr if there was no job.
  tally_answer* answer() const noexcept { return answer_.get(); }

 private:
  tally_status status_;
  std::shared_ptr<tally_error> error_;
  std::shared_ptr<tally_answer> answer_;
  const char* own_code_ = nullptr;
  const char* own_message_ = nullptr;
};

// A T or an Error: the part of std::expected<T, Error> that is needed here.
template <typename T>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Expected(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  bool has_value() const noexcept { return state_.index() == 0; }

  // Throw the Error where there is one.
  T& value() & { return has_value() ? std::get<0>(state_) : fail<T&>(); }
  const T& value() const& {
    return has_value() ? std::get<0>(state_) : fail<const T&>();
  }
  T value() && { return has_value() ? std::get<0>(std::move(state_)) : fail<T>(); }

  // Precondition: there is a value.
  T& operator*() & noexcept { return *std::get_if<0>(&state_); }
  const T& operator*() const& noexcept { return *std::get_if<0>(&state_); }
  T&& operator*() && noexcept { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() noexcept { return std::get_if<0>(&state_); }
  const T* operator->() const noexcept { return std::get_if<0>(&state_); }

  // Precondition: there is an error.
  const Error& error() const noexcept { return *std::get_if<1>(&state_); }

 private:
  template <typename R>
  [[noreturn]] R fail() const {
    throw std::get<1>(state_);
  }

  std::variant<T, Error> state_;
};

// For what gives nothing when it succeeds.
using Done = std::monostate;

namespace detail {

template <auto free>
struct Freer {
  void operator()(auto* object) const noexcept { free(object); }
};
using AnswerPtr = std::unique_ptr<tally_answer, Freer<tally_answer_free>>;
using ClientPtr = std::unique_ptr<tally_client, Freer<tally_client_free>>;
using JobPtr = std::unique_ptr<tally_job, Freer<tally_job_free>>;

class Fd {
 public:
  explicit Fd(int fd = -1) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

// call(&error) as an Expected<Done>.
template <typename F>
Expected<Done> attempt(F&& call) {
  tally_error* error = nullptr;
  const tally_status status = call(&error);
  if (status != TALLY_OK) return Error(status, error);
  return Done{};
}

// For when a constructor of the standard library, not of tally, runs dry.
inline Error system_error(const char* message) {
  return Error(TALLY_IO, "io", message);
}

}  // namespace detail

}  // namespace cpp0
}  // namespace tally

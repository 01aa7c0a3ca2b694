// Error: what went wrong, in a form that can cross the wire.
//
// An Error has a class (Errc: what the caller does next; it fixes the exit code), a
// finer code ("unknown_reducer": stable, programs match on it), a message for
// people, and fields with the facts ("line": 17).
//
// Errc values are protocol: they are sent in replies and returned by the C ABI.
// Never renumber, never reuse; add at the end. Adding one needs a line in
// ipc/PROTOCOL.md and in tests/unit/ipc/error_test.cc.
//
// Use Error (inside Result) for what a correct program can meet at run time: a bad
// request, a dead worker, a full disk. A broken invariant is TALLY_CHECK.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tally {

enum class Errc : std::uint16_t {
  InvalidArgument = 1,    // the caller's fault; retrying as is cannot help
  NotFound = 2,           // no such job, file, column
  Overloaded = 3,         // admission said no; retry later
  Cancelled = 4,          // somebody asked for it
  DeadlineExceeded = 5,   // the caller's time ran out
  WorkerLost = 6,         // workers died and the attempts are spent
  ProtocolViolation = 7,  // the peer is broken; the session is closed
  Io = 8,                 // a read or write failed
  Internal = 9,           // a bug of ours, or memory ran out
  Unavailable = 10,       // no daemon answers there
  PermissionDenied = 11,  // the daemon or the system refuses us
  InvalidData = 12,       // the input is not what it says; the job failed
  NoValue = 13,           // the reducer has no value for this input (mean of nothing)
  Partial = 14,           // the value does not cover all of the input
};

inline constexpr std::uint16_t kLastErrc = 14;

// "invalid_argument", "worker_lost", ... Stable: programs match on it.
std::string_view name_of(Errc code) noexcept;

// The exit code of a program that ends with this class (design: the CLI contract).
int exit_code_of(Errc code) noexcept;

class [[nodiscard]] Error {
 public:
  using FieldValue = std::variant<std::int64_t, std::string>;
  struct Field {
    std::string name;
    FieldValue value;
    friend bool operator==(const Field&, const Field&) = default;
  };

  // The finer code is the class's own name.
  Error(Errc errc, std::string message)
      : errc_(errc), code_(name_of(errc)), message_(std::move(message)) {}
  Error(Errc errc, std::string code, std::string message)
      : errc_(errc), code_(std::move(code)), message_(std::move(message)) {}

  // Reads errno first, so it can be called directly after a failed system call.
  // Class Io, code "io", message "what: strerror", field "errno".
  static Error from_errno(std::string_view what);

  Errc errc() const noexcept { return errc_; }
  const std::string& code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  const std::vector<Field>& fields() const noexcept { return fields_; }

  // nullptr if there is no field of that name.
  const FieldValue* field(std::string_view name) const noexcept;

  // Adds a fact. Builder style: return Error(...).with("line", 17).
  Error with(std::string_view name, std::int64_t value) &&;
  Error with(std::string_view name, std::string value) &&;

  // The same without a field, if it has one of that name.
  Error without(std::string_view name) const;

  // Prefixes the message with "where: ", the way a reader would tell the story from
  // outside in.
  Error within(std::string_view where) &&;

  friend bool operator==(const Error&, const Error&) = default;

 private:
  Errc errc_;
  std::string code_;
  std::string message_;
  std::vector<Field> fields_;
};

}  // namespace tally

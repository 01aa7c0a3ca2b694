#include "ipc/base/error.h"

#include <cerrno>
#include <cstring>

namespace tally {

std::string_view name_of(Errc code) noexcept {
  switch (code) {
    case Errc::InvalidArgument: return "invalid_argument";
    case Errc::NotFound: return "not_found";
    case Errc::Overloaded: return "overloaded";
    case Errc::Cancelled: return "cancelled";
    case Errc::DeadlineExceeded: return "deadline_exceeded";
    case Errc::WorkerLost: return "worker_lost";
    case Errc::ProtocolViolation: return "protocol_violation";
    case Errc::Io: return "io";
    case Errc::Internal: return "internal";
    case Errc::Unavailable: return "unavailable";
    case Errc::PermissionDenied: return "permission_denied";
    case Errc::InvalidData: return "invalid_data";
    case Errc::NoValue: return "no_value";
    case Errc::Partial: return "partial";
  }
  return "internal";
}

int exit_code_of(Errc code) noexcept {
  switch (code) {
    case Errc::InvalidArgument:
    case Errc::NotFound: return 2;
    case Errc::Unavailable: return 3;
    case Errc::Overloaded:
    case Errc::PermissionDenied: return 4;
    case Errc::DeadlineExceeded: return 5;
    case Errc::Cancelled: return 6;
    case Errc::Partial: return 7;
    case Errc::WorkerLost:
    case Errc::ProtocolViolation:
    case Errc::Io:
    case Errc::Internal:
    case Errc::InvalidData:
    case Errc::NoValue: return 1;
  }
  return 1;
}

Error Error::from_errno(std::string_view what) {
  const int number = errno;
  std::string message(what);
  message += ": ";
  message += std::strerror(number);
  return Error(Errc::Io, std::move(message)).with("errno", std::int64_t{number});
}

const Error::FieldValue* Error::field(std::string_view name) const noexcept {
  for (const Field& field : fields_)
    if (field.name == name) return &field.value;
  return nullptr;
}

Error Error::with(std::string_view name, std::int64_t value) && {
  fields_.push_back({std::string(name), value});
  return std::move(*this);
}

Error Error::with(std::string_view name, std::string value) && {
  fields_.push_back({std::string(name), std::move(value)});
  return std::move(*this);
}

Error Error::without(std::string_view name) const {
  Error error = *this;
  std::erase_if(error.fields_, [&](const Field& field) { return field.name == name; });
  return error;
}

Error Error::within(std::string_view where) && {
  message_.insert(0, std::string(where) + ": ");
  return std::move(*this);
}

}  // namespace tally

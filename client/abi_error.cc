// The C ABI: statuses and errors.

#include "client/abi_types.h"
#include "client/answer_json.h"

tally_error::tally_error(tally::Error cause)
    : error(std::move(cause)), json(tally::client::error_to_json(error)) {}

namespace tally::client {

tally_status fail(tally_error** to, Error error) noexcept {
  const auto status = static_cast<tally_status>(error.errc());
  if (to == nullptr) return status;
  try {
    *to = new tally_error(std::move(error));
  } catch (...) {
    // No memory even for the report: the status alone must do.
    *to = nullptr;
  }
  return status;
}

}  // namespace tally::client

extern "C" {

const char* tally_status_name(tally_status status) {
  if (status == TALLY_OK) return "ok";
  if (status < 0 || status > tally::kLastErrc) return "unknown";
  // Views of string literals: NUL-terminated.
  return tally::name_of(static_cast<tally::Errc>(status)).data();
}

const char* tally_version(void) {
  return TALLY_VERSION;
}

tally_status tally_error_class(const tally_error* error) {
  return error == nullptr ? TALLY_OK : static_cast<tally_status>(error->error.errc());
}

const char* tally_error_code(const tally_error* error) {
  return error == nullptr ? "" : error->error.code().c_str();
}

const char* tally_error_message(const tally_error* error) {
  return error == nullptr ? "" : error->error.message().c_str();
}

const char* tally_error_json(const tally_error* error) {
  return error == nullptr ? nullptr : error->json.c_str();
}

tally_error* tally_error_new(tally_status status, const char* code,
                             const char* message) {
  if (status <= 0 || status > tally::kLastErrc || code == nullptr || message == nullptr)
    return nullptr;
  try {
    return new tally_error(
        tally::Error(static_cast<tally::Errc>(status), code, message));
  } catch (...) {
    return nullptr;
  }
}

void tally_error_free(tally_error* error) {
  delete error;
}

}  // extern "C"

// What the opaque types of tally.h are, and how errors leave through it.
//
// Every entry point is `return boundary(error, [&]() -> Result<void> {…});`: nothing is
// thrown across the C ABI.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/include/tally/tally.h"
#include "ipc/base/clock.h"
#include "ipc/base/error.h"
#include "ipc/base/guard.h"
#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"

struct tally_error {
  explicit tally_error(tally::Error cause);

  tally::Error error;
  std::string json;
};

struct tally_client {
  std::unique_ptr<tally::client::Client> client;
  // When each outstanding ticket was submitted: transport is counted from there.
  std::unordered_map<std::uint32_t, tally::Nanoseconds> submitted_ns;
};

struct tally_job {
  tally::model::JobSpec spec;  // its source is made from what follows at submit
  std::optional<tally::model::Source> source;  // range, values, memory
  tally::model::FilesSource files;
  bool format_given = false;
  std::vector<tally::UniqueFd> fds;  // the memory's, or one a file
};

struct tally_result {
  const tally::model::ReducerResult* result = nullptr;  // of the same answer
  std::string text;
  std::optional<tally_error> error;
};

struct tally_answer {
  tally::model::JobAnswer answer;
  std::uint64_t transport_ns = 0;
  std::string job;
  std::vector<tally_result> results;
  std::optional<tally_error> error;
  std::string json;  // made when first asked for
};

namespace tally::client {

inline Error null_argument(const char* name) {
  return Error(Errc::InvalidArgument, "null_argument", std::string(name) + " is NULL");
}

// Stores `error` for the caller and gives its class.
tally_status fail(tally_error** to, Error error) noexcept;

template <typename F>
tally_status boundary(tally_error** error, F&& f) noexcept {
  Result<void> done = guarded("tally", Errc::Internal, std::forward<F>(f));
  return done ? TALLY_OK : fail(error, std::move(done).error());
}

// The answer as the ABI shows it; `wall_ns` is the caller's wait, submit included.
std::unique_ptr<tally_answer> make_answer(model::JobAnswer answer,
                                          std::uint64_t wall_ns);

// Why an answer is no plain success; none if the job is done.
std::optional<Error> failure_of(const model::JobAnswer& answer);

// The text form of a value: tally_result_text.
std::string text_of(const model::Value& value);

}  // namespace tally::client

// What the opaque types of tally.h are, and how errors leave through it.
//
// Every entry point is `return boundary(error, [&]() -> Result<void> {…});`: nothing is
// thrown across the C ABI.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "client/answer_json.h"
#include "client/client.h"
#include "client/file_list.h"
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
  struct Outstanding {
    tally::Nanoseconds submitted_ns = 0;  // transport is counted from there
    void* user = nullptr;
    tally::client::CopyFigures copied{};
  };

  std::unique_ptr<tally::client::Client> client;
  pid_t pid = 0;                // of the process that connected
  tally::UniqueFd interrupted;  // an eventfd; none unless asked for
  std::unordered_map<std::uint32_t, Outstanding> outstanding;  // by ticket
};

struct tally_job {
  tally::model::JobSpec spec;  // its source is made from what follows at submit
  std::optional<tally::model::Source> source;  // range, values, memory
  tally::model::FilesSource files;
  bool format_given = false;
  bool streams = false;                     // a file is no regular one
  tally::client::FileList list;             // all files; `fds` has the first 64
  std::vector<tally::UniqueFd> fds;         // the memory's, or one a file
  std::vector<tally::UniqueFd> kernel_fds;  // one for each of spec.kernels
  tally::client::CopyFigures copied{};      // into the array that is the source
};

struct tally_result {
  const tally::model::ReducerResult* result = nullptr;  // of the same answer
  std::string text;
  std::optional<tally_error> error;
};

struct tally_answer {
  tally::model::JobAnswer answer;
  std::uint64_t transport_ns = 0;
  tally::client::CopyFigures copied{};
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

// True in a child that was forked since: the connection is its parent's.
bool is_forked(const tally_client& client) noexcept;

// boundary() for f(client): refuses NULL and forked children, and takes back the
// interrupt that ended a wait.
Error forked();
Result<void> rearm(const tally_client& client, Result<void> done);
template <typename F>
tally_status with_client(tally_client* client, tally_error** error, F&& f) noexcept {
  return boundary(error, [&]() -> Result<void> {
    if (client == nullptr) return null_argument("client");
    if (is_forked(*client)) return forked();
    return rearm(*client, f(*client));
  });
}

// The caller's options in a struct of our size; what an older caller's lacks is 0.
template <typename Options>
Result<Options> options_from(const Options& given, const char* name) {
  if (given.struct_size < sizeof given.struct_size)
    return Error(Errc::InvalidArgument, "bad_struct_size",
                 std::string("struct_size is not set in ") + name);
  Options options{};
  std::memcpy(&options, &given, std::min(given.struct_size, sizeof options));
  return options;
}

// Error unless all of `flags` are among `known`.
Result<void> check_flags(std::uint64_t flags, std::uint64_t known, const char* name);

// The answer as the ABI shows it; `wall_ns` is the caller's wait, submit included.
std::unique_ptr<tally_answer> make_answer(model::JobAnswer answer,
                                          std::uint64_t wall_ns);

// Why an answer is no plain success; none if the job is done.
std::optional<Error> failure_of(const model::JobAnswer& answer);

// The element type of that number. Errors: InvalidArgument "bad_enum".
Result<model::ElementType> checked_type(tally_type number);

// Copies as much of `full` as the caller's struct has room for; its struct_size stays.
template <typename Struct>
Result<void> fill(Struct* to, const Struct& full) {
  if (to == nullptr) return null_argument("the struct to fill");
  constexpr std::size_t kFirst = sizeof to->struct_size;
  if (to->struct_size < kFirst)
    return Error(Errc::InvalidArgument, "bad_struct_size", "struct_size is not set");
  const std::size_t size = std::min(to->struct_size, sizeof full);
  std::memcpy(reinterpret_cast<std::byte*>(to) + kFirst,
              reinterpret_cast<const std::byte*>(&full) + kFirst, size - kFirst);
  return {};
}

// The text form of a value: tally_result_text.
std::string text_of(const model::Value& value);

}  // namespace tally::client

// The C ABI of tally_embed.h: the daemon's core on threads of the host.
//
// Errors are libtally's objects, made by tally_error_new: the two libraries share no
// C++ types.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "client/include/tally/tally_embed.h"
#include "config/config.h"
#include "daemon/embedded.h"
#include "ipc/base/guard.h"

struct tally_embedded {
  std::unique_ptr<tally::daemon::Embedded> core;
  pid_t pid = 0;  // of the process that started it
};

namespace tally::embed {
namespace {

tally_status fail(tally_error** to, const Error& error) noexcept {
  const auto status = static_cast<tally_status>(error.errc());
  if (to != nullptr)
    *to = tally_error_new(status, error.code().c_str(), error.message().c_str());
  return status;
}

template <typename F>
tally_status boundary(tally_error** error, F&& f) noexcept {
  const Result<void> done = guarded("tally_embed", Errc::Internal, std::forward<F>(f));
  return done ? TALLY_OK : fail(error, done.error());
}

Error invalid(const char* code, const std::string& message) {
  return Error(Errc::InvalidArgument, code, message);
}

bool is_forked(const tally_embedded& embedded) {
  return ::getpid() != embedded.pid;
}

// The caller's options in a struct of our size; what an older caller's lacks is 0.
Result<tally_embed_options> options_from(const tally_embed_options* given) {
  tally_embed_options options{};
  if (given == nullptr) return options;
  if (given->struct_size < sizeof given->struct_size)
    return invalid("bad_struct_size", "struct_size is not set in tally_embed_options");
  std::memcpy(&options, given, std::min(given->struct_size, sizeof options));
  if (options.flags != 0)
    return invalid("unknown_flag",
                   "tally_embed_options has a flag that tally " TALLY_VERSION
                   " does not know");
  return options;
}

Result<config::Config> config_from(const tally_embed_options& options) {
  if (options.workers > config::kMostWorkers || options.threads > config::kMostWorkers)
    return invalid("out_of_range", "workers and threads are at most " +
                                       std::to_string(config::kMostWorkers));
  config::Config config;
  config.pool.workers = options.workers;
  if (options.threads != 0) config.threads.max = options.threads;
  if (options.worker_program != nullptr)
    config.pool.worker_program = options.worker_program;
  return config;
}

Result<void> start(const tally_embed_options* given, tally_embedded** embedded) {
  if (embedded == nullptr) return invalid("null_argument", "embedded is NULL");
  const Result<tally_embed_options> options = options_from(given);
  if (!options) return options.error();
  const Result<config::Config> config = config_from(*options);
  if (!config) return config.error();
  auto made = std::make_unique<tally_embedded>();
  Result<std::unique_ptr<daemon::Embedded>> core = daemon::Embedded::start(*config);
  if (!core) return std::move(core).error();
  made->core = *std::move(core);
  made->pid = ::getpid();
  *embedded = made.release();
  return {};
}

Result<UniqueFd> connect(tally_embedded* embedded) {
  if (embedded == nullptr) return invalid("null_argument", "embedded is NULL");
  if (is_forked(*embedded))
    return invalid("forked",
                   "this core belongs to the process that started it; a forked child "
                   "starts its own");
  return embedded->core->connect();
}

}  // namespace
}  // namespace tally::embed

using tally::Result;

extern "C" {

tally_status tally_embed(const tally_embed_options* options, tally_embedded** embedded,
                         tally_error** error) {
  return tally::embed::boundary(error,
                                [&] { return tally::embed::start(options, embedded); });
}

tally_status tally_embedded_connect(tally_embedded* embedded,
                                    const tally_connect_options* options,
                                    tally_client** client, tally_error** error) {
  tally::UniqueFd socket;
  const tally_status made = tally::embed::boundary(error, [&]() -> Result<void> {
    Result<tally::UniqueFd> connected = tally::embed::connect(embedded);
    if (!connected) return std::move(connected).error();
    socket = *std::move(connected);
    return {};
  });
  if (made != TALLY_OK) return made;
  return tally_connect_fd(socket.release(), options, client, error);
}

void tally_embedded_free(tally_embedded* embedded) {
  if (embedded == nullptr) return;
  // A forked child has the core's memory but not its threads, and shares its epoll
  // instance: nothing may be torn down there.
  if (tally::embed::is_forked(*embedded)) (void)embedded->core.release();
  delete embedded;
}

}  // extern "C"

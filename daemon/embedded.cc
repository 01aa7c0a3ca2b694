#include "daemon/embedded.h"

#include <pthread.h>
#include <sys/socket.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/core.h"
#include "daemon/run_loop.h"
#include "daemon/worker_program.h"
#include "ipc/base/block_signals.h"
#include "ipc/base/float_environment.h"
#include "ipc/base/guard.h"
#include "runtime/reduce/simd_level.h"

extern char** environ;

namespace tally::daemon {
namespace {

// A copy: while the core runs, the program may change its own.
// For workers: the host's, but for what its own kernels do not look at either.
std::vector<std::string> environment() {
  const std::string simd = std::string(reduce::kSimdVariable) + "=";
  std::vector<std::string> all;
  for (char** variable = environ; variable != nullptr && *variable != nullptr;
       ++variable)
    if (!std::string_view(*variable).starts_with(simd)) all.emplace_back(*variable);
  return all;
}

}  // namespace

struct Embedded::Impl {
  asio::io_context loop{1};
  std::unique_ptr<Core> core;  // made, used and destroyed on `thread` only
  std::thread thread;

  void run(CoreOptions options, std::promise<Result<void>>& started) {
    // The thread inherits the program's rounding mode; its own threads inherit ours.
    const FloatEnvironment exact;
    pthread_setname_np(pthread_self(), "tally-core");
    const auto work = asio::make_work_guard(loop);
    Result<void> begun = guarded("the embedded core", Errc::Internal, [&] {
      core = std::make_unique<Core>(loop, std::move(options));
      return core->start();
    });
    const bool running = static_cast<bool>(begun);
    started.set_value(std::move(begun));
    // Nothing may leave a thread of somebody else's program: where memory runs out the
    // core ends, and its clients lose their connections.
    if (running)
      (void)guarded("the loop", Errc::Internal,
                    [&] { run_loop(loop, [this] { core->loop_looks(); }); });
    core.reset();
  }
};

Result<std::unique_ptr<Embedded>> Embedded::start(const config::Config& config) {
  Result<std::string> worker = find_worker_program(config.pool.worker_program);
  if (!worker) return std::move(worker).error();
  auto impl = std::make_unique<Impl>();
  CoreOptions options;
  options.config = config;
  options.kind = model::DaemonKind::Embedded;
  options.worker_program = *std::move(worker);
  options.worker_environment = environment();
  options.on_stopped = [state = impl.get()] { state->loop.stop(); };
  std::promise<Result<void>> started;
  std::future<Result<void>> outcome = started.get_future();
  {
    const BlockedSignals blocked;  // the thread inherits that
    impl->thread = std::thread([state = impl.get(), &started, &options] {
      state->run(std::move(options), started);
    });
  }
  if (Result<void> begun = outcome.get(); !begun) {
    impl->thread.join();
    return std::move(begun).error();
  }
  return std::unique_ptr<Embedded>(new Embedded(std::move(impl)));
}

Embedded::Embedded(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Embedded::~Embedded() {
  asio::post(impl_->loop, [state = impl_.get()] {
    if (state->core) state->core->stop();
  });
  impl_->thread.join();
}

Result<UniqueFd> Embedded::connect() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return Error::from_errno("socketpair");
  UniqueFd client(ends[0]);
  asio::post(impl_->loop,
             [state = impl_.get(), end = std::make_shared<UniqueFd>(ends[1])] {
               if (state->core) state->core->adopt(std::move(*end));
             });
  return client;
}

}  // namespace tally::daemon

#include "daemon/embedded.h"

#include <sys/socket.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include <future>
#include <thread>
#include <utility>

#include "daemon/core.h"
#include "daemon/worker_program.h"
#include "ipc/base/block_signals.h"

namespace tally::daemon {

struct Embedded::Impl {
  asio::io_context loop{1};
  std::unique_ptr<Core> core;  // made, used and destroyed on `thread` only
  std::thread thread;
};

Result<std::unique_ptr<Embedded>> Embedded::start(const config::Config& config) {
  Result<std::string> worker = find_worker_program(config.pool.worker_program);
  if (!worker) return std::move(worker).error();
  auto impl = std::make_unique<Impl>();
  std::promise<Result<void>> started;
  std::future<Result<void>> outcome = started.get_future();
  // The thread that runs the loop also spawns the zygote: PDEATHSIG follows it.
  impl->thread = std::thread(
      [state = impl.get(), &started, &config, program = *std::move(worker)] {
        block_signals();
        CoreOptions options;
        options.config = config;
        options.kind = model::DaemonKind::Embedded;
        options.worker_program = program;
        options.on_stopped = [state] { state->loop.stop(); };
        state->core = std::make_unique<Core>(state->loop, std::move(options));
        const auto work = asio::make_work_guard(state->loop);
        Result<void> begun = state->core->start();
        const bool running = static_cast<bool>(begun);
        started.set_value(std::move(begun));
        if (running) state->loop.run();
        state->core.reset();
      });
  if (Result<void> begun = outcome.get(); !begun) {
    impl->thread.join();
    return std::move(begun).error();
  }
  return std::unique_ptr<Embedded>(new Embedded(std::move(impl)));
}

Embedded::Embedded(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Embedded::~Embedded() {
  asio::post(impl_->loop, [core = impl_->core.get()] { core->stop(); });
  impl_->thread.join();
}

Result<UniqueFd> Embedded::connect() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return Error::from_errno("socketpair");
  UniqueFd client(ends[0]);
  impl_->core->adopt_later(UniqueFd(ends[1]));
  return client;
}

}  // namespace tally::daemon

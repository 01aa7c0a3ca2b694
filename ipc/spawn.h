// spawn: the only place that starts a coroutine.
//
// The coroutine returns Result<void>; whatever it throws (Asio, the allocator) is
// folded into an Error, and `ended` is called exactly once with the outcome, on the
// loop. A handler that is destroyed unrun (the io_context goes away) calls nothing.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <exception>
#include <utility>

#include "ipc/base/guard.h"
#include "ipc/base/result.h"

namespace tally::ipc {

template <typename Ended>
void spawn(asio::io_context& loop, asio::awaitable<Result<void>> body, Ended ended) {
  asio::co_spawn(loop, std::move(body),
                 [ended = std::move(ended)](const std::exception_ptr& thrown,
                                            Result<void> outcome) mutable {
                   if (thrown == nullptr) return ended(std::move(outcome));
                   ended(guarded("coroutine", Errc::Internal, [&]() -> Result<void> {
                     std::rethrow_exception(thrown);
                   }));
                 });
}

}  // namespace tally::ipc

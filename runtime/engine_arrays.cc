// Engine: arrays that are reduced again and again, which workers keep mapped.
#include <chrono>

#include "runtime/engine.h"

namespace tally {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);

}  // namespace

// On other paths than that of processes nothing is kept, and the number means nothing.
std::uint64_t Engine::use_array(const Submission& submission, const job::Claim& claim,
                                Nanoseconds now_ns) {
  if (!std::holds_alternative<model::MemorySource>(submission.spec.source) ||
      submission.session == 0 || claim.objects.size() != 1)
    return 0;
  const std::uint64_t number =
      arrays_.use(submission.session, claim.objects.front(), now_ns);
  look_at_arrays_later();
  return number;
}

void Engine::done_with_array(std::uint64_t number) {
  arrays_.done(number, monotonic_ns());
}

void Engine::close_session(std::uint64_t session) {
  forget_arrays(arrays_.session_ended(session));
}

void Engine::forget_arrays(const std::vector<std::uint64_t>& numbers) {
  if (!numbers.empty()) processes_->forget(numbers);
}

void Engine::look_at_arrays_later() {
  if (arrays_.empty() || std::exchange(arrays_armed_, true)) return;
  arrays_timer_.expires_after(kLookEvery);
  arrays_timer_.async_wait([this, alive = alive_](asio::error_code error) {
    if (error || !*alive) return;
    arrays_armed_ = false;
    forget_arrays(arrays_.expire(monotonic_ns()));
    look_at_arrays_later();
  });
}

}  // namespace tally

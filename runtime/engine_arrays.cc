// Engine: arrays that are reduced again and again, which workers keep mapped.
#include <chrono>

#include "runtime/engine.h"

namespace tally {
namespace {

constexpr auto kLookEvery = std::chrono::seconds(1);

}  // namespace

// On other paths than that of processes nothing is kept, and the numbers mean nothing.
job::KeptNumbers Engine::use_arrays(const Submission& submission,
                                    const job::Claim& claim, Nanoseconds now_ns) {
  const auto* memory = std::get_if<model::MemorySource>(&submission.spec.source);
  const auto& objects = claim.objects;
  if (memory == nullptr || submission.session == 0) return {};
  job::KeptNumbers numbers{};
  if (objects.size() == 1) {  // two arrays may lie in one object
    numbers[0] = arrays_.use(submission.session, objects.front(), now_ns);
    if (memory->second) numbers[1] = numbers[0];
  } else if (memory->second && objects.size() == 2 && submission.fds.size() == 2 &&
             memory->descriptor < 2 && memory->second->descriptor < 2) {
    // An object for each descriptor, in their order.
    numbers[0] = arrays_.use(submission.session, objects[memory->descriptor], now_ns);
    if (memory->second->descriptor == memory->descriptor)
      numbers[1] = numbers[0];
    else
      numbers[1] =
          arrays_.use(submission.session, objects[memory->second->descriptor], now_ns);
  }
  look_at_arrays_later();
  return numbers;
}

void Engine::done_with_arrays(const job::KeptNumbers& numbers) {
  if (numbers[0] != 0) arrays_.done(numbers[0], monotonic_ns());
  if (numbers[1] != 0 && numbers[1] != numbers[0])
    arrays_.done(numbers[1], monotonic_ns());
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

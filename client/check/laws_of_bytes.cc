#include <algorithm>
#include <random>

#include "client/check/laws.h"

namespace tally::check {
namespace {

// Tries to read `bytes`; only what kernels may do then: take them or refuse.
Result<void> offer(Subject& subject, const State& bytes) {
  Result<KernelState> state = subject.kernel().deserialise(bytes);
  if (state) return subject.kernel().destroy(*std::move(state));
  const std::string& code = state.error().code();
  if (code == "kernel_overran_state") return std::move(state).error();
  return {};
}

}  // namespace

Result<Verdict> law_round_trip(Subject& subject, const RowSet& rows) {
  const std::size_t half = rows.rows / 2;
  for (const std::size_t some : {std::size_t{0}, half}) {
    Result<KernelState> state = subject.fold(rows, 0, some);
    if (!state) return std::move(state).error();
    const Result<State> bytes = subject.bytes(*state);
    if (!bytes) return bytes.error();
    Result<KernelState> read = subject.kernel().deserialise(*bytes);
    if (!read) return std::move(read).error();
    const Result<State> again = subject.bytes(*read);
    if (!again) return again.error();
    if (*bytes != *again)
      return Verdict::broken("written, read and written again, the state of " +
                             std::to_string(some) + " rows has other bytes");
    for (KernelState* one : {&*state, &*read})
      if (auto done = subject.update(*one, rows, half, rows.rows); !done)
        return std::move(done).error();
    const Result<std::string> kept = subject.results(*state);
    const Result<std::string> travelled = subject.results(*read);
    if (!kept) return kept.error();
    if (!travelled) return travelled.error();
    if (*kept != *travelled)
      return Verdict::broken("a state that travelled goes on differently: " + *kept +
                             " and " + *travelled);
  }
  return Verdict::kept();
}

Result<Verdict> law_garbage(Subject& subject, const RowSet& rows) {
  const Result<KernelState> state =
      subject.fold(rows, 0, std::min<std::size_t>(rows.rows, 500));
  if (!state) return state.error();
  const Result<State> whole = subject.bytes(*state);
  if (!whole) return whole.error();
  std::mt19937_64 random(3);
  constexpr std::size_t kTries = 200;
  for (std::size_t i = 0; i < kTries; ++i) {
    State bytes = *whole;
    bytes.resize(bytes.size() * i / kTries);
    if (Result<void> done = offer(subject, bytes); !done)
      return std::move(done).error();
    bytes = *whole;
    for (std::size_t flips = 1 + random() % 8; flips != 0 && !bytes.empty(); --flips)
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    if (Result<void> done = offer(subject, bytes); !done)
      return std::move(done).error();
    bytes.resize(random() % 256);
    for (std::byte& byte : bytes)
      byte = i % 2 == 0 ? std::byte{0xFF} : static_cast<std::byte>(random());
    if (Result<void> done = offer(subject, bytes); !done)
      return std::move(done).error();
  }
  return Verdict::kept();
}

}  // namespace tally::check

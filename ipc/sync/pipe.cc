#include "ipc/sync/pipe.h"

#include <new>
#include <string>

#include "ipc/sync/name_table.h"

namespace tally::sync {
namespace {

std::uint64_t bytes_of(std::uint64_t capacity, std::uint64_t message_bytes) {
  return sizeof(PipeState) + 2 * Ring::bytes(capacity, message_bytes);
}

// Of the messages to `end`.
Ring ring_of(PipeState* state, int end, std::uint64_t capacity,
             std::uint64_t message_bytes) {
  auto* at = reinterpret_cast<std::byte*>(state + 1);
  if (end == 1) at += Ring::bytes(capacity, message_bytes);
  return Ring(reinterpret_cast<RingState*>(at), capacity, message_bytes);
}

Error not_holder() {
  return Error(Errc::InvalidArgument, "not_holder",
               "this participant does not hold that end of the pipe");
}

// Nothing in a pipe can be half-done: rings change in one write, ends in order.
void nothing_to_repair() {}

// The guard is held. `sent`: the ring of what this end sent.
void end_holding(PipeEnd& end, PipeEnd& other, Left how, const Ring& sent) {
  if (how == Left::Died && end.untold == 0) {
    end.death_at = sent.tail();
    end.untold = 1;
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  end.is = how == Left::Died ? EndIs::Died : EndIs::Closed;
  other.readers.wake(INT_MAX);
  other.writers.wake(INT_MAX);
}

}  // namespace

Result<Pipe> Pipe::open(Participant& participant, std::string_view name, int end,
                        std::uint32_t capacity, std::uint32_t message_bytes) {
  if (end != 0 && end != 1)
    return Error(Errc::InvalidArgument, "bad_end",
                 "a pipe has the ends 0 and 1, not " + std::to_string(end));
  Result<void> checked = Ring::check(capacity, message_bytes);
  if (!checked) return std::move(checked).error();
  Result<std::byte*> at = open_object(
      participant.region(), name,
      {Kind::Pipe, bytes_of(capacity, message_bytes), capacity, message_bytes},
      [](std::byte* fresh, const ObjectSpec&) {
        (new (fresh) PipeState{})->guard.init();
      });
  if (!at) return std::move(at).error();
  auto* state = reinterpret_cast<PipeState*>(*at);
  Pipe pipe(participant, state, end, ring_of(state, end, capacity, message_bytes),
            ring_of(state, 1 - end, capacity, message_bytes));
  Result<Outcome> taken = pipe.take();
  if (!taken) return std::move(taken).error();
  if (*taken == Outcome::Closed)
    return Error(Errc::Cancelled, "region_closed",
                 "the job of this sync region is over");
  if (*taken == Outcome::TimedOut)
    return Error(Errc::InvalidArgument, "end_taken",
                 "end " + std::to_string(end) + " of the pipe is held by another");
  return pipe;
}

// A try, which looks for the dead: the end's last holder may be one of them.
Result<Outcome> Pipe::take() {
  return wait_for(*participant_, state_->guard, mine().readers, 0, nothing_to_repair,
                  [&]() -> std::optional<Result<Outcome>> {
                    if (held()) return Outcome::Ok;
                    if (mine().is == EndIs::Open) return std::nullopt;
                    mine().holder = holder();
                    std::atomic_signal_fence(std::memory_order_seq_cst);
                    mine().is = EndIs::Open;
                    return Outcome::Ok;
                  });
}

Result<Outcome> Pipe::send(std::span<const std::byte> message, Nanoseconds timeout_ns) {
  Result<void> fits = outgoing_.fits(message);
  if (!fits) return std::move(fits).error();
  return wait_for(*participant_, state_->guard, mine().writers, timeout_ns,
                  nothing_to_repair, [&]() -> std::optional<Result<Outcome>> {
                    if (!held()) return not_holder();
                    if (other().is == EndIs::Closed) return Outcome::Closed;
                    if (other().is == EndIs::Died) return Outcome::PeerDied;
                    if (outgoing_.damaged())
                      return region_damaged("positions in a pipe");
                    if (outgoing_.full()) return std::nullopt;
                    outgoing_.put(message);
                    other().readers.wake(1);
                    return Outcome::Ok;
                  });
}

// What can be said of the incoming side now. The guard is held.
std::optional<Result<Outcome>> Pipe::readable() {
  if (!held()) return not_holder();
  if (incoming_.damaged()) return region_damaged("positions in a pipe");
  if (other().untold != 0 && incoming_.head() >= other().death_at)
    return Outcome::PeerDied;
  if (!incoming_.empty()) return Outcome::Ok;
  if (other().is == EndIs::Closed) return Outcome::Closed;
  if (other().is == EndIs::Died) return Outcome::PeerDied;
  return std::nullopt;
}

Result<Outcome> Pipe::receive(std::span<std::byte> into, std::size_t& size,
                              Nanoseconds timeout_ns) {
  return wait_for(*participant_, state_->guard, mine().readers, timeout_ns,
                  nothing_to_repair, [&]() -> std::optional<Result<Outcome>> {
                    std::optional<Result<Outcome>> now = readable();
                    if (!now || !*now) return now;
                    if (**now == Outcome::PeerDied) other().untold = 0;
                    if (**now != Outcome::Ok) return now;
                    Result<std::size_t> got = incoming_.get(into);
                    if (!got) return std::move(got).error();
                    size = *got;
                    other().writers.wake(1);
                    return Outcome::Ok;
                  });
}

Result<Outcome> Pipe::poll(Nanoseconds timeout_ns) {
  return wait_for(*participant_, state_->guard, mine().readers, timeout_ns,
                  nothing_to_repair, [&] { return readable(); });
}

void Pipe::close() {
  Guard inside(participant_->region(), state_->guard, kForever);
  if (inside.in() && held()) end_holding(mine(), other(), Left::Detached, outgoing_);
}

void Pipe::forget(const Region& region, const NameEntry& entry, std::uint32_t slot,
                  Left how) {
  const std::uint64_t capacity = entry.first, message_bytes = entry.second;
  if (capacity > kMaxRecords || message_bytes > kMaxRecordBytes) return;
  auto* state = reinterpret_cast<PipeState*>(
      region.object(entry, bytes_of(capacity, message_bytes)));
  if (state == nullptr) return;
  Guard inside(region, state->guard, kForever);
  if (!inside.in()) return;
  for (int end = 0; end < 2; ++end) {
    PipeEnd& mine = state->ends[end];
    if (mine.is == EndIs::Open && mine.holder == slot)
      end_holding(mine, state->ends[1 - end], how,
                  ring_of(state, 1 - end, capacity, message_bytes));
  }
}

}  // namespace tally::sync

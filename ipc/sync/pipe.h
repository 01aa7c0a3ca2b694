// Pipe: messages both ways between two ends, each held by one participant.
//
// If the holder of an end is killed, the other end gets what was sent before, whole,
// and then PeerDied; if it closed its end or detached, Closed. An end whose holder is
// gone can be opened anew (a chunk that is tried again): it finds what was sent to it
// and not yet received, and the other end is told PeerDied once, between the messages
// of the dead and those of its successor. An end that nobody opened yet is waited for.
// Threads and lifetime: of the Participant, which must outlive the handle. Closing an
// end is explicit, or the participant's end; handles may be copied.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "ipc/sync/participant.h"
#include "ipc/sync/ring.h"
#include "ipc/sync/sweep.h"
#include "ipc/sync/waiting.h"

namespace tally::sync {

enum class EndIs : std::uint32_t { Unopened = 0, Open, Closed, Died };

struct PipeEnd {
  std::uint64_t holder;    // the slot of a participant, while it is Open
  std::uint64_t death_at;  // while `untold`: what its dead holder sent ends there
  EndIs is;
  std::uint32_t untold;  // 1: its holder died, and the other end does not know
  Waiters readers;       // for a message to this end
  Waiters writers;       // for room towards the other
};

// Two rings follow: of the messages to end 0 and of those to end 1.
struct PipeState {
  RobustMutex guard;
  PipeEnd ends[2];
};

class Pipe {
 public:
  // Makes the caller the holder of end 0 or 1.
  // Fails as open_object() (name_table.h) and Ring::check() do; invalid_argument
  // "end_taken" (a living participant has it), "bad_end".
  static Result<Pipe> open(Participant& participant, std::string_view name, int end,
                           std::uint32_t capacity, std::uint32_t message_bytes);

  // Ok, TimedOut (full), Closed, PeerDied (nobody would receive it).
  // Fails with invalid_argument "record_too_large", "not_holder".
  Result<Outcome> send(std::span<const std::byte> message,
                       Nanoseconds timeout_ns = kForever);

  // Ok: `size` bytes of `into` are the message. TimedOut, Closed, PeerDied.
  // Fails with invalid_argument "buffer_too_small", "not_holder".
  Result<Outcome> receive(std::span<std::byte> into, std::size_t& size,
                          Nanoseconds timeout_ns = kForever);

  // What receive() would say, without doing it. Ok: there is a message.
  Result<Outcome> poll(Nanoseconds timeout_ns = 0);

  // The other end gets what was sent, then Closed. Again: nothing.
  void close();

  // For the sweep.
  static void forget(const Region& region, const NameEntry& entry, std::uint32_t slot,
                     Left how);

 private:
  Pipe(Participant& participant, PipeState* state, int end, Ring incoming,
       Ring outgoing)
      : participant_(&participant),
        state_(state),
        end_(end),
        incoming_(incoming),
        outgoing_(outgoing) {}

  Result<Outcome> take();
  std::optional<Result<Outcome>> readable();
  PipeEnd& mine() const { return state_->ends[end_]; }
  PipeEnd& other() const { return state_->ends[1 - end_]; }
  bool held() const { return mine().is == EndIs::Open && mine().holder == holder(); }
  std::uint64_t holder() const { return participant_->slot(); }

  Participant* participant_;
  PipeState* state_;
  int end_;
  Ring incoming_, outgoing_;
};

}  // namespace tally::sync

// Queue: records of bytes, in order, from any number of participants to any number.
//
// A record is put whole or not at all. If a participant dies while it puts one, that
// record is dropped and one get() says PeerDied in its place; the queue goes on. A
// record that a dead participant had taken is gone with it, as with any queue.
// Threads and lifetime: of the Participant, which must outlive the handle.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "ipc/sync/participant.h"
#include "ipc/sync/ring.h"
#include "ipc/sync/waiting.h"

namespace tally::sync {

struct QueueState {
  RobustMutex guard;
  Waiters getters, putters;
  Word putting;        // 1: somebody is writing a record
  std::uint32_t lost;  // records dropped with who was putting them, and nobody told yet
  RingState ring;      // last: its records follow
};

class Queue {
 public:
  // Fails as open_object() (name_table.h) and Ring::check() do.
  static Result<Queue> open(Participant& participant, std::string_view name,
                            std::uint32_t capacity, std::uint32_t record_bytes);

  // Ok, TimedOut (full), Closed. Fails with invalid_argument "record_too_large".
  Result<Outcome> put(std::span<const std::byte> record,
                      Nanoseconds timeout_ns = kForever);

  // Ok: `size` bytes of `into` are the record. TimedOut (empty), Closed, PeerDied (once
  // for each record that died with who put it): nothing was taken.
  // Fails with invalid_argument "buffer_too_small": it stays, field "bytes" is its
  // size.
  Result<Outcome> get(std::span<std::byte> into, std::size_t& size,
                      Nanoseconds timeout_ns = kForever);

  // Of this moment.
  Result<std::uint32_t> size();

 private:
  Queue(Participant& participant, QueueState* state, Ring ring)
      : participant_(&participant), state_(state), ring_(ring) {}

  void repair();

  Participant* participant_;
  QueueState* state_;
  Ring ring_;
};

}  // namespace tally::sync

// tally_sync.hpp: tally_sync.h in C++17, for kernels. Header only, no dependencies.
//
//   tally::kernel::Sync sync(table, context);          // what the kernel was given
//   tally::kernel::Lock lock = sync.lock("notes");
//   {
//     tally::kernel::Locked held(lock);                 // released at the end
//     if (held.owner_died()) mend();                    // who had it was killed
//   }
//
// What others do to us is a returned Outcome: a death, a time-out, the end of the job.
// Misuse, a name of another kind and a full region are a SyncError, thrown.
// Objects are names and two pointers: cheap to make and to copy, for the thread that
// the context belongs to, and as long as it lives.
#ifndef TALLY_TALLY_SYNC_HPP_
#define TALLY_TALLY_SYNC_HPP_

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "tally/tally_sync.h"

namespace tally::kernel {

enum class Outcome {
  Ok = TALLY_SYNC_OK,
  OwnerDied = TALLY_SYNC_OWNER_DIED,
  TimedOut = TALLY_SYNC_TIMED_OUT,
  Closed = TALLY_SYNC_CLOSED,
  PeerDied = TALLY_SYNC_PEER_DIED,
};

// It is done, and not only tried.
inline bool done(Outcome outcome) {
  return outcome == Outcome::Ok || outcome == Outcome::OwnerDied;
}

class SyncError : public std::runtime_error {
 public:
  SyncError(int code, const std::string& message)
      : std::runtime_error(message), code_(code) {}
  int code() const noexcept {
    return code_;
  }  // TALLY_SYNC_MISUSE, …; an outcome where
     // a Locked could not be had
 private:
  int code_;
};

// A span to wait; negative ones only try. kForever waits as long as it makes sense.
using Timeout = std::chrono::nanoseconds;
inline constexpr Timeout kForever = Timeout::max();

// A named object of some kind: what all of them are made of. Sync makes them.
class Shared {
 public:
  Shared(const tally_sync* table, tally_sync_context* context, std::string name)
      : table_(table), context_(context), name_(std::move(name)) {}

 protected:
  Outcome told(int code) const {
    if (code < 0) throw SyncError(code, table_->last_error(context_));
    return static_cast<Outcome>(code);
  }
  static uint64_t ns(Timeout timeout) {
    if (timeout == kForever) return TALLY_SYNC_FOREVER;
    return timeout.count() < 0 ? 0 : static_cast<uint64_t>(timeout.count());
  }

  const tally_sync* table_;
  tally_sync_context* context_;
  std::string name_;
};

class Lock : public Shared {
 public:
  Outcome acquire(Timeout timeout = kForever) {
    return told(recursive_
                    ? table_->rlock_acquire(context_, name_.c_str(), ns(timeout))
                    : table_->lock_acquire(context_, name_.c_str(), ns(timeout)));
  }
  void release() {
    told(recursive_ ? table_->rlock_release(context_, name_.c_str())
                    : table_->lock_release(context_, name_.c_str()));
  }
  const std::string& name() const noexcept { return name_; }

 private:
  friend class Sync;
  Lock(Shared shared, bool recursive)
      : Shared(std::move(shared)), recursive_(recursive) {}
  bool recursive_;
};

// Has the lock from its constructor to its end.
class Locked {
 public:
  // Throws SyncError, its code the outcome, if the lock could not be had.
  explicit Locked(Lock& lock, Timeout timeout = kForever) : lock_(lock) {
    const Outcome outcome = lock.acquire(timeout);
    if (!done(outcome))
      throw SyncError(static_cast<int>(outcome),
                      "the lock '" + lock.name() + "' could not be had");
    owner_died_ = outcome == Outcome::OwnerDied;
  }
  ~Locked() {
    try {
      lock_.release();
    } catch (const SyncError&) {
      // It was released by hand, or lost in a wait of a Condition when the job ended.
    }
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

  // Who had it before was killed: what it guards may be half-written.
  bool owner_died() const noexcept { return owner_died_; }

 private:
  Lock& lock_;
  bool owner_died_ = false;
};

class Condition : public Shared {
 public:
  // The caller has the lock. Wait in a loop that looks at what is waited for.
  Outcome wait(Lock& lock, Timeout timeout = kForever) {
    return told(table_->condition_wait(context_, name_.c_str(), lock.name().c_str(),
                                       ns(timeout)));
  }
  void notify(uint32_t waiters = 1) {
    told(table_->condition_notify(context_, name_.c_str(), waiters));
  }
  void notify_all() { notify(UINT32_MAX); }

 private:
  friend class Sync;
  explicit Condition(Shared shared) : Shared(std::move(shared)) {}
};

class Event : public Shared {
 public:
  void set() { told(table_->event_set(context_, name_.c_str())); }
  void clear() { told(table_->event_clear(context_, name_.c_str())); }
  bool is_set() const {
    int set = 0;
    told(table_->event_is_set(context_, name_.c_str(), &set));
    return set != 0;
  }
  Outcome wait(Timeout timeout = kForever) {
    return told(table_->event_wait(context_, name_.c_str(), ns(timeout)));
  }

 private:
  friend class Sync;
  explicit Event(Shared shared) : Shared(std::move(shared)) {}
};

class Semaphore : public Shared {
 public:
  Outcome acquire(Timeout timeout = kForever) {
    return told(table_->semaphore_acquire(context_, name_.c_str(), ns(timeout)));
  }
  void release() { told(table_->semaphore_release(context_, name_.c_str())); }

 private:
  friend class Sync;
  Semaphore(Shared shared, uint32_t initial, bool bounded) : Shared(std::move(shared)) {
    told(table_->semaphore_open(context_, name_.c_str(), initial, bounded ? 1 : 0));
  }
};

class Queue : public Shared {
 public:
  Outcome put(const void* record, std::size_t bytes, Timeout timeout = kForever) {
    return told(table_->queue_put(context_, name_.c_str(), record, bytes, ns(timeout)));
  }
  // The record replaces what `record` holds; it stays as it was if there is none.
  Outcome get(std::string& record, Timeout timeout = kForever) {
    std::string room(record_bytes_, '\0');
    std::size_t bytes = 0;
    const Outcome outcome = told(table_->queue_get(context_, name_.c_str(), room.data(),
                                                   room.size(), &bytes, ns(timeout)));
    if (done(outcome)) record.assign(room, 0, bytes);
    return outcome;
  }
  uint32_t size() const {
    uint32_t records = 0;
    told(table_->queue_size(context_, name_.c_str(), &records));
    return records;
  }

 private:
  friend class Sync;
  Queue(Shared shared, uint32_t capacity, uint32_t record_bytes)
      : Shared(std::move(shared)), record_bytes_(record_bytes) {
    told(table_->queue_open(context_, name_.c_str(), capacity, record_bytes));
  }
  uint32_t record_bytes_;
};

// One end of it.
class Pipe : public Shared {
 public:
  Outcome send(const void* message, std::size_t bytes, Timeout timeout = kForever) {
    return told(
        table_->pipe_send(context_, name_.c_str(), end_, message, bytes, ns(timeout)));
  }
  // The message replaces what `message` holds; it stays as it was if there is none.
  Outcome receive(std::string& message, Timeout timeout = kForever) {
    std::string room(message_bytes_, '\0');
    std::size_t bytes = 0;
    const Outcome outcome = told(table_->pipe_receive(
        context_, name_.c_str(), end_, room.data(), room.size(), &bytes, ns(timeout)));
    if (done(outcome)) message.assign(room, 0, bytes);
    return outcome;
  }
  Outcome poll(Timeout timeout = Timeout::zero()) {
    return told(table_->pipe_poll(context_, name_.c_str(), end_, ns(timeout)));
  }
  void close() { told(table_->pipe_close(context_, name_.c_str(), end_)); }

 private:
  friend class Sync;
  Pipe(Shared shared, int end, uint32_t capacity, uint32_t message_bytes)
      : Shared(std::move(shared)), end_(end), message_bytes_(message_bytes) {
    told(table_->pipe_open(context_, name_.c_str(), end, capacity, message_bytes));
  }
  int end_;
  uint32_t message_bytes_;
};

// What the kernel was given, and the way to everything else.
class Sync : private Shared {
 public:
  // Both must outlive it and all that comes of it.
  Sync(const tally_sync* table, tally_sync_context* context)
      : Shared(table, context, "") {}

  Lock lock(std::string name) const { return Lock(named(std::move(name)), false); }
  Lock rlock(std::string name) const { return Lock(named(std::move(name)), true); }
  Condition condition(std::string name) const {
    return Condition(named(std::move(name)));
  }
  Event event(std::string name) const { return Event(named(std::move(name))); }
  Semaphore semaphore(std::string name, uint32_t initial, bool bounded = true) const {
    return Semaphore(named(std::move(name)), initial, bounded);
  }
  Queue queue(std::string name, uint32_t capacity, uint32_t record_bytes) const {
    return Queue(named(std::move(name)), capacity, record_bytes);
  }
  Pipe pipe(std::string name, int end, uint32_t capacity,
            uint32_t message_bytes) const {
    return Pipe(named(std::move(name)), end, capacity, message_bytes);
  }

 private:
  Shared named(std::string name) const {
    return Shared(table_, context_, std::move(name));
  }
};

}  // namespace tally::kernel

#endif  // TALLY_TALLY_SYNC_HPP_

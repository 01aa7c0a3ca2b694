#include "ipc/sync/kernel_sync.h"

#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "ipc/base/guard.h"
#include "ipc/sync/condition.h"
#include "ipc/sync/event.h"
#include "ipc/sync/lock.h"
#include "ipc/sync/pipe.h"
#include "ipc/sync/queue.h"
#include "ipc/sync/semaphore.h"

namespace tally::sync {
namespace {

struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const noexcept {
    return std::hash<std::string_view>()(name);
  }
};
template <typename Handle>
using Handles = std::unordered_map<std::string, Handle, NameHash, std::equal_to<>>;

}  // namespace
}  // namespace tally::sync

// Of one kind each: a name that is in use for another kind is found out by the region.
struct tally_sync_context {
  explicit tally_sync_context(
      std::unique_ptr<tally::sync::Participant> attached) noexcept
      : participant(std::move(attached)) {}

  std::unique_ptr<tally::sync::Participant> participant;
  tally::sync::Handles<tally::sync::Lock> locks;
  tally::sync::Handles<tally::sync::RLock> rlocks;
  tally::sync::Handles<tally::sync::Condition> conditions;
  tally::sync::Handles<tally::sync::Event> events;
  tally::sync::Handles<tally::sync::Semaphore> semaphores;
  tally::sync::Handles<tally::sync::Queue> queues;
  tally::sync::Handles<tally::sync::Pipe> pipes[2];
  std::string last_error;
};

namespace tally::sync {
namespace {

using Context = tally_sync_context;

int code_of(const Error& error) {
  if (error.code() == "kind_mismatch") return TALLY_SYNC_MISMATCH;
  if (error.code() == "region_full") return TALLY_SYNC_FULL;
  if (error.code() == "region_closed") return TALLY_SYNC_CLOSED;
  return error.errc() == Errc::InvalidArgument ? TALLY_SYNC_MISUSE : TALLY_SYNC_FAILED;
}

int told(Context* context, const Error& error) {
  const int code = code_of(error);
  if (code < 0) context->last_error = error.message();
  return code;
}

int told(Context*, Outcome outcome) {
  return static_cast<int>(outcome);
}

template <typename T>
int told(Context* context, const Result<T>& result) {
  if (!result) return told(context, result.error());
  if constexpr (std::is_void_v<T>) {
    return TALLY_SYNC_OK;
  } else {
    return told(context, *result);
  }
}

// The edge to code that is not ours: nothing is thrown across it.
template <typename Do>
int call(Context* context, const Do& act) noexcept {
  if (context == nullptr) return TALLY_SYNC_MISUSE;
  const Result<int> code = guarded("sync", Errc::Internal, act);
  return code ? *code : told(context, code.error());
}

Error null_argument(const char* what) {
  return Error(Errc::InvalidArgument, "null_argument", std::string(what) + " is NULL");
}

Error not_open(const char* name) {
  return Error(Errc::InvalidArgument, "not_open",
               "'" + std::string(name) + "' was not opened in this context");
}

// Does `act(handle)` with the handle of that name, which is opened on first use.
template <typename Handle, typename Act>
int with(Context* context, Handles<Handle>& handles, const char* name, const Act& act) {
  if (name == nullptr) return told(context, null_argument("the name"));
  const std::string_view key(name);
  auto found = handles.find(key);
  if (found == handles.end()) {
    Result<Handle> opened = Handle::open(*context->participant, key);
    if (!opened) return told(context, opened.error());
    found = handles.emplace(key, *opened).first;
  }
  return told(context, act(found->second));
}

// The same for what must have been opened before: its sizes are not in the call.
template <typename Handle, typename Act>
int with_open(Context* context, Handles<Handle>& handles, const char* name,
              const Act& act) {
  if (name == nullptr) return told(context, null_argument("the name"));
  const auto found = handles.find(std::string_view(name));
  if (found == handles.end()) return told(context, not_open(name));
  return told(context, act(found->second));
}

template <typename Handle, typename... Values>
int open(Context* context, Handles<Handle>& handles, const char* name,
         Values... values) {
  if (name == nullptr) return told(context, null_argument("the name"));
  Result<Handle> opened = Handle::open(*context->participant, name, values...);
  if (!opened) return told(context, opened.error());
  handles.insert_or_assign(name, *opened);
  return TALLY_SYNC_OK;
}

std::span<const std::byte> bytes_at(const void* data, std::size_t size) {
  return {static_cast<const std::byte*>(data), size};
}

std::span<std::byte> room_at(void* data, std::size_t size) {
  return {static_cast<std::byte*>(data), size};
}

const char* last_error(Context* context) {
  return context == nullptr ? "" : context->last_error.c_str();
}

int lock_acquire(Context* c, const char* name, uint64_t timeout_ns) {
  return call(c, [&] {
    return with(c, c->locks, name,
                [&](Lock& lock) { return lock.acquire(timeout_ns); });
  });
}

int lock_release(Context* c, const char* name) {
  return call(c, [&] {
    return with(c, c->locks, name, [](Lock& lock) { return lock.release(); });
  });
}

int rlock_acquire(Context* c, const char* name, uint64_t timeout_ns) {
  return call(c, [&] {
    return with(c, c->rlocks, name,
                [&](RLock& lock) { return lock.acquire(timeout_ns); });
  });
}

int rlock_release(Context* c, const char* name) {
  return call(c, [&] {
    return with(c, c->rlocks, name, [](RLock& lock) { return lock.release(); });
  });
}

// A lock that the context has is among its handles.
OwnedLock* lock_named(Context* c, std::string_view name) {
  if (const auto found = c->locks.find(name); found != c->locks.end())
    return &found->second;
  if (const auto found = c->rlocks.find(name); found != c->rlocks.end())
    return &found->second;
  return nullptr;
}

int condition_wait(Context* c, const char* name, const char* lock,
                   uint64_t timeout_ns) {
  return call(c, [&] {
    if (lock == nullptr) return told(c, null_argument("the lock's name"));
    OwnedLock* const owned = lock_named(c, lock);
    if (owned == nullptr) return told(c, not_open(lock));
    return with(c, c->conditions, name, [&](Condition& condition) {
      return condition.wait(*owned, timeout_ns);
    });
  });
}

int condition_notify(Context* c, const char* name, uint32_t waiters) {
  return call(c, [&] {
    return with(c, c->conditions, name,
                [&](Condition& condition) { return condition.notify(waiters); });
  });
}

int event_set(Context* c, const char* name) {
  return call(c, [&] {
    return with(c, c->events, name, [](Event& event) {
      event.set();
      return Outcome::Ok;
    });
  });
}

int event_clear(Context* c, const char* name) {
  return call(c, [&] {
    return with(c, c->events, name, [](Event& event) {
      event.clear();
      return Outcome::Ok;
    });
  });
}

int event_is_set(Context* c, const char* name, int* set) {
  return call(c, [&] {
    if (set == nullptr) return told(c, null_argument("an output"));
    return with(c, c->events, name, [&](const Event& event) {
      *set = event.is_set() ? 1 : 0;
      return Outcome::Ok;
    });
  });
}

int event_wait(Context* c, const char* name, uint64_t timeout_ns) {
  return call(c, [&] {
    return with(c, c->events, name,
                [&](Event& event) { return event.wait(timeout_ns); });
  });
}

int semaphore_open(Context* c, const char* name, uint32_t initial, int bounded) {
  return call(c, [&] { return open(c, c->semaphores, name, initial, bounded != 0); });
}

int semaphore_acquire(Context* c, const char* name, uint64_t timeout_ns) {
  return call(c, [&] {
    return with_open(c, c->semaphores, name,
                     [&](Semaphore& permits) { return permits.acquire(timeout_ns); });
  });
}

int semaphore_release(Context* c, const char* name) {
  return call(c, [&] {
    return with_open(c, c->semaphores, name,
                     [](Semaphore& permits) { return permits.release(); });
  });
}

int queue_open(Context* c, const char* name, uint32_t capacity, uint32_t record_bytes) {
  return call(c, [&] { return open(c, c->queues, name, capacity, record_bytes); });
}

int queue_put(Context* c, const char* name, const void* record, size_t bytes,
              uint64_t timeout_ns) {
  return call(c, [&] {
    if (record == nullptr && bytes > 0) return told(c, null_argument("the record"));
    return with_open(c, c->queues, name, [&](Queue& queue) {
      return queue.put(bytes_at(record, bytes), timeout_ns);
    });
  });
}

int queue_get(Context* c, const char* name, void* record, size_t room, size_t* bytes,
              uint64_t timeout_ns) {
  return call(c, [&] {
    if ((record == nullptr && room > 0) || bytes == nullptr)
      return told(c, null_argument("an output"));
    return with_open(c, c->queues, name, [&](Queue& queue) {
      return queue.get(room_at(record, room), *bytes, timeout_ns);
    });
  });
}

int queue_size(Context* c, const char* name, uint32_t* records) {
  return call(c, [&] {
    if (records == nullptr) return told(c, null_argument("an output"));
    return with_open(c, c->queues, name, [&](Queue& queue) -> Result<Outcome> {
      Result<std::uint32_t> size = queue.size();
      if (!size) return std::move(size).error();
      *records = *size;
      return Outcome::Ok;
    });
  });
}

// Runs `act(pipe)` on an end that was opened.
template <typename Act>
int with_end(Context* c, const char* name, int end, const Act& act) {
  if (end != 0 && end != 1)
    return told(c, Error(Errc::InvalidArgument, "bad_end", "a pipe has ends 0 and 1"));
  return with_open(c, c->pipes[end], name, act);
}

int pipe_open(Context* c, const char* name, int end, uint32_t capacity,
              uint32_t message_bytes) {
  return call(c, [&] {
    // Another number is refused by open() itself.
    return open(c, c->pipes[end == 1 ? 1 : 0], name, end, capacity, message_bytes);
  });
}

int pipe_send(Context* c, const char* name, int end, const void* message, size_t bytes,
              uint64_t timeout_ns) {
  return call(c, [&] {
    if (message == nullptr && bytes > 0) return told(c, null_argument("the message"));
    return with_end(c, name, end, [&](Pipe& pipe) {
      return pipe.send(bytes_at(message, bytes), timeout_ns);
    });
  });
}

int pipe_receive(Context* c, const char* name, int end, void* message, size_t room,
                 size_t* bytes, uint64_t timeout_ns) {
  return call(c, [&] {
    if ((message == nullptr && room > 0) || bytes == nullptr)
      return told(c, null_argument("an output"));
    return with_end(c, name, end, [&](Pipe& pipe) {
      return pipe.receive(room_at(message, room), *bytes, timeout_ns);
    });
  });
}

int pipe_poll(Context* c, const char* name, int end, uint64_t timeout_ns) {
  return call(c, [&] {
    return with_end(c, name, end, [&](Pipe& pipe) { return pipe.poll(timeout_ns); });
  });
}

int pipe_close(Context* c, const char* name, int end) {
  return call(c, [&] {
    return with_end(c, name, end, [](Pipe& pipe) {
      pipe.close();
      return Outcome::Ok;
    });
  });
}

constexpr tally_sync kTable = {
    sizeof(tally_sync), last_error,        lock_acquire,      lock_release,
    rlock_acquire,      rlock_release,     condition_wait,    condition_notify,
    event_set,          event_clear,       event_is_set,      event_wait,
    semaphore_open,     semaphore_acquire, semaphore_release, queue_open,
    queue_put,          queue_get,         queue_size,        pipe_open,
    pipe_send,          pipe_receive,      pipe_poll,         pipe_close,
};

}  // namespace

void DeleteContext::operator()(tally_sync_context* context) const noexcept {
  delete context;
}

Result<KernelContext> attach_kernel(Region& region) {
  Result<std::unique_ptr<Participant>> attached = Participant::attach(region);
  if (!attached) return std::move(attached).error();
  return KernelContext(new tally_sync_context(*std::move(attached)));
}

const tally_sync& kernel_table() noexcept {
  return kTable;
}

}  // namespace tally::sync

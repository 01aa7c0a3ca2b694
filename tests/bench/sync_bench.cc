// sync_bench COUNT: uncontended locks. A step takes and releases one COUNT times, in a
// program that has another thread: "lock" (ipc/sync/lock.h), "named" (the same by its
// name, through the table that kernels have), "mutex" (std::mutex).
#include <condition_variable>
#include <mutex>
#include <thread>

#include "ipc/sync/kernel_sync.h"
#include "ipc/sync/lock.h"
#include "tests/bench/steps.h"

namespace {

template <typename Take, typename Release>
std::int64_t taking(int count, const Take& take, const Release& release) {
  // What it guards; the compiler may not move it out of the lock, nor away.
  volatile int guarded = 0;
  const std::int64_t took = tally::bench::time_of([&] {
    for (int i = 0; i < count; ++i) {
      take();
      guarded = guarded + 1;
      release();
    }
  });
  if (guarded != count) tally::bench::die("not every turn was counted");
  return took;
}

void expect(bool true_) {
  if (!true_) tally::bench::die("a lock was not to be had");
}

// A thread beside: without one the C library could take short cuts.
class Company {
 public:
  Company() : thread_([this] { wait(); }) {}
  ~Company() {
    {
      const std::lock_guard held(mutex_);
      over_ = true;
    }
    ended_.notify_one();
    thread_.join();
  }

 private:
  void wait() {
    std::unique_lock held(mutex_);
    ended_.wait(held, [this] { return over_; });
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  using namespace tally;
  if (argc != 2) bench::die("usage: sync_bench COUNT");
  const int count = std::stoi(argv[1]);
  const Result<UniqueFd> fd = sync::Region::create({});
  if (!fd) bench::die(fd.error().message());
  const auto region = sync::Region::map(fd->get());
  if (!region) bench::die(region.error().message());
  const auto self = sync::Participant::attach(**region);
  const auto context = sync::attach_kernel(**region);
  if (!self || !context) bench::die("could not attach");
  Result<sync::Lock> lock = sync::Lock::open(**self, "lock");
  if (!lock) bench::die(lock.error().message());
  const ::tally_sync& table = sync::kernel_table();
  std::mutex mutex;
  const Company company;

  bench::serve_steps([&](const std::string& name) -> std::int64_t {
    if (name == "lock")
      return taking(
          count, [&] { expect(*lock->acquire() == sync::Outcome::Ok); },
          [&] { expect(static_cast<bool>(lock->release())); });
    if (name == "named")
      return taking(
          count, [&] { expect(table.lock_acquire(context->get(), "a lock", 0) == 0); },
          [&] { expect(table.lock_release(context->get(), "a lock") == 0); });
    if (name == "mutex")
      return taking(
          count, [&] { mutex.lock(); }, [&] { mutex.unlock(); });
    bench::die("no such step: " + name);
  });
}

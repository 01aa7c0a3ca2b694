#include "ipc/sync/queue.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "tests/unit/ipc/sync/child.h"

namespace tally::sync {
namespace {

template <typename T>
std::string code_of(const Result<T>& result) {
  return result ? "ok" : result.error().code();
}

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// "=text", or how it ended.
std::string get(Queue& queue, Nanoseconds timeout_ns = 0) {
  std::byte room[64];
  std::size_t size = 0;
  const Result<Outcome> got = queue.get(room, size, timeout_ns);
  if (!got) return got.error().code();
  if (!done(*got)) return std::to_string(static_cast<int>(*got));
  return "=" + std::string(reinterpret_cast<const char*>(room), size);
}
const std::string kTimedOut = "2", kPeerDied = "4";

TEST(QueueTest, RecordsComeInOrderAndWhole) {
  Shared shared;
  Result<Queue> queue = Queue::open(*shared.self, "q", 3, 8);
  for (int turn = 0; turn < 5; ++turn) {  // around the ring
    EXPECT_EQ(*queue->put(bytes("one")), Outcome::Ok);
    EXPECT_EQ(*queue->put(bytes("")), Outcome::Ok);
    EXPECT_EQ(*queue->size(), 2U);
    EXPECT_EQ(get(*queue), "=one");
    EXPECT_EQ(get(*queue), "=");
  }
}

TEST(QueueTest, IsBounded) {
  Shared shared;
  Result<Queue> queue = Queue::open(*shared.self, "q", 2, 8);
  EXPECT_EQ(get(*queue), kTimedOut);
  EXPECT_EQ(*queue->put(bytes("a")), Outcome::Ok);
  EXPECT_EQ(*queue->put(bytes("b")), Outcome::Ok);
  EXPECT_EQ(*queue->put(bytes("c"), 0), Outcome::TimedOut);
  const Nanoseconds start = monotonic_ns();
  EXPECT_EQ(*queue->put(bytes("c"), 120 * kMilli), Outcome::TimedOut);
  EXPECT_GE(monotonic_ns() - start, 120 * kMilli);
  EXPECT_EQ(code_of(queue->put(bytes("123456789"))), "record_too_large");
}

TEST(QueueTest, ARecordThatIsTooLargeForTheBufferStays) {
  Shared shared;
  Result<Queue> queue = Queue::open(*shared.self, "q", 2, 8);
  ASSERT_EQ(*queue->put(bytes("12345")), Outcome::Ok);
  std::byte room[4];
  std::size_t size = 99;
  const Result<Outcome> got = queue->get(room, size);
  EXPECT_EQ(code_of(got), "buffer_too_small");
  EXPECT_EQ(size, 99U);
  EXPECT_EQ(get(*queue), "=12345");
}

// Where a record's bytes end in memory that cannot be read: whoever puts it stops in
// the middle, with half of it written.
int stop_told_fd = -1;
void stop_in_the_middle(int) {
  TALLY_CHECK(::write(stop_told_fd, "m", 1) == 1);
  for (;;) ::pause();
}
std::span<const std::byte> half_readable() {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  auto* at = static_cast<std::byte*>(::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  TALLY_CHECK(at != MAP_FAILED && ::mprotect(at + page, page, PROT_NONE) == 0);
  return {at + page - 16, 32};
}

class HalfPut : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe(stopped_), 0); }
  void TearDown() override {
    ::close(stopped_[0]);
    ::close(stopped_[1]);
  }
  // In the child.
  bool put_half(Child::Life& life) const {
    Result<Queue> queue = Queue::open(life.participant(), "q", 4, 32);
    stop_told_fd = stopped_[1];
    struct sigaction action {};
    action.sa_handler = stop_in_the_middle;
    ::sigaction(SIGSEGV, &action, nullptr);
    return *queue->put(half_readable()) == Outcome::Ok;
  }
  bool is_in_the_middle() const {
    char letter = 0;
    return ::read(stopped_[0], &letter, 1) == 1;
  }
  int stopped_[2];
};

TEST_F(HalfPut, IsDroppedWholeAndStatedInItsPlace) {
  Shared shared;
  Result<Queue> queue = Queue::open(*shared.self, "q", 4, 32);
  Child putter(shared, [this](Child::Life& life) { return put_half(life); });
  ASSERT_TRUE(is_in_the_middle());
  // Somebody is inside: a try ends all the same.
  EXPECT_EQ(get(*queue), kTimedOut);
  putter.kill();
  EXPECT_EQ(*queue->put(bytes("next")), Outcome::Ok);
  EXPECT_EQ(get(*queue), kPeerDied);
  EXPECT_EQ(get(*queue), "=next");
  EXPECT_EQ(get(*queue), kTimedOut);
}

TEST_F(HalfPut, EndsTheWaitOfWhoWaitedForIt) {
  Shared shared;
  Result<Queue> queue = Queue::open(*shared.self, "q", 4, 32);
  Child getter(shared, [](Child::Life& life) {
    Result<Queue> its = Queue::open(life.participant(), "q", 4, 32);
    life.here();
    return get(*its, kForever) == kPeerDied;
  });
  ASSERT_TRUE(getter.is_here());
  Child putter(shared, [this](Child::Life& life) { return put_half(life); });
  ASSERT_TRUE(is_in_the_middle());
  putter.kill();
  EXPECT_TRUE(getter.ended_well());
}

TEST(QueueTest, WhoIsKilledInsideWithoutPuttingLosesNothing) {
  Shared shared;
  Result<Queue> queue = Queue::open(*shared.self, "q", 4, 32);
  ASSERT_EQ(*queue->put(bytes("kept")), Outcome::Ok);
  Child victim(shared, [](Child::Life& life) {
    Region& region = life.participant().region();
    const NameEntry& entry = region.entry(0);
    auto* state = reinterpret_cast<QueueState*>(region.object(entry, entry.bytes));
    const Guard inside(region, state->guard, kForever);
    life.here();
    life.stay();
    return true;
  });
  ASSERT_TRUE(victim.is_here());
  victim.kill();
  EXPECT_EQ(get(*queue), "=kept");
}

TEST(QueueTest, AKilledWaiterTakesNoRecordWithIt) {
  Shared shared;
  Result<Queue> queue = Queue::open(*shared.self, "q", 4, 32);
  const Child::Body wait = [](Child::Life& life) {
    Result<Queue> its = Queue::open(life.participant(), "q", 4, 32);
    return get(*its, kForever) == "=it";
  };
  const auto* state = shared.state<QueueState>();
  Child victim(shared, wait);
  ASSERT_TRUE(comes_true([&] { return state->getters.waiting == 1; }));
  Child other(shared, wait);
  ASSERT_TRUE(comes_true([&] { return state->getters.waiting == 2; }));
  victim.kill();
  ASSERT_EQ(*queue->put(bytes("it")), Outcome::Ok);
  EXPECT_TRUE(other.ended_well());
}

TEST(QueueTest, DamagedPositionsAndSizesAreAnError) {
  Shared shared;
  Result<Queue> queue = Queue::open(*shared.self, "q", 4, 32);
  auto* state = shared.state<QueueState>();
  state->ring.tail = 5;
  EXPECT_EQ(get(*queue), "region_damaged");
  EXPECT_EQ(code_of(queue->put(bytes("x"))), "region_damaged");
  EXPECT_EQ(code_of(queue->size()), "region_damaged");
  state->ring.tail = 0;
  ASSERT_EQ(*queue->put(bytes("x")), Outcome::Ok);
  const std::uint32_t size = UINT32_MAX;
  std::memcpy(static_cast<void*>(&state->ring + 1), &size, sizeof size);
  EXPECT_EQ(get(*queue), "region_damaged");
}

// Every number once, from two putters to two getters, processes and threads.
TEST(QueueTest, NothingIsLostOrDoubledUnderContention) {
  constexpr std::uint64_t kEach = 5'000;
  Shared shared;
  ASSERT_TRUE(Queue::open(*shared.self, "q", 7, sizeof(std::uint64_t)));
  ASSERT_TRUE(Queue::open(*shared.self, "sums", 4, sizeof(std::uint64_t)));
  const auto put = [](Participant& participant, std::uint64_t first) {
    Result<Queue> queue = Queue::open(participant, "q", 7, sizeof(std::uint64_t));
    for (std::uint64_t number = first; number < first + kEach; ++number)
      if (*queue->put(std::as_bytes(std::span(&number, 1))) != Outcome::Ok)
        return false;
    return true;
  };
  const auto add = [](Participant& participant) {
    Result<Queue> queue = Queue::open(participant, "q", 7, sizeof(std::uint64_t));
    std::uint64_t sum = 0, number = 0;
    std::size_t size = 0;
    for (std::uint64_t count = 0; count < kEach; ++count) {
      if (*queue->get(std::as_writable_bytes(std::span(&number, 1)), size) !=
          Outcome::Ok)
        return false;
      sum += number;
    }
    return *Queue::open(participant, "sums", 4, sizeof sum)
                ->put(std::as_bytes(std::span(&sum, 1))) == Outcome::Ok;
  };
  Child putter(shared, [&](Child::Life& life) { return put(life.participant(), 1); });
  Child getter(shared, [&](Child::Life& life) { return add(life.participant()); });
  std::atomic<int> well = 0;
  std::thread other_putter([&] {
    if (put(**Participant::attach(*shared.region), 1 + kEach)) ++well;
  });
  std::thread other_getter([&] {
    if (add(**Participant::attach(*shared.region))) ++well;
  });
  other_putter.join();
  other_getter.join();
  EXPECT_EQ(well, 2);
  EXPECT_TRUE(putter.ended_well());
  EXPECT_TRUE(getter.ended_well());
  Result<Queue> sums = Queue::open(*shared.self, "sums", 4, sizeof(std::uint64_t));
  std::uint64_t total = 0, sum = 0;
  std::size_t size = 0;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(*sums->get(std::as_writable_bytes(std::span(&sum, 1)), size, 0),
              Outcome::Ok);
    total += sum;
  }
  EXPECT_EQ(total, kEach * (2 * kEach + 1));
}

}  // namespace
}  // namespace tally::sync

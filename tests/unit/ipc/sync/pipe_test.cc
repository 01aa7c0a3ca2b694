#include "ipc/sync/pipe.h"

#include <gtest/gtest.h>

#include "tests/unit/ipc/sync/child.h"

namespace tally::sync {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

Result<Pipe> open(Participant& participant, int end) {
  return Pipe::open(participant, "pipe", end, 4, 16);
}

// "=text", or how it ended.
std::string receive(Pipe& pipe, Nanoseconds timeout_ns = kPatience) {
  std::byte room[64];
  std::size_t size = 0;
  const Result<Outcome> got = pipe.receive(room, size, timeout_ns);
  if (!got) return got.error().code();
  if (!done(*got)) return std::to_string(static_cast<int>(*got));
  return "=" + std::string(reinterpret_cast<const char*>(room), size);
}
const std::string kTimedOut = "2", kClosed = "3", kPeerDied = "4";

// Opens end 1, sends "last", and stays.
bool send_and_stay(Child::Life& life) {
  Result<Pipe> pipe = open(life.participant(), 1);
  if (!pipe || *pipe->send(bytes("last")) != Outcome::Ok) return false;
  life.here();
  life.stay();
}

TEST(PipeTest, MessagesGoBothWays) {
  Shared shared;
  Result<Pipe> pipe = open(*shared.self, 0);
  Child echo(shared, [](Child::Life& life) {
    Result<Pipe> its = open(life.participant(), 1);
    for (const std::string_view expected : {"=a", "=bc", "="}) {
      const std::string got = receive(*its);
      if (got != expected || *its->send(bytes(got)) != Outcome::Ok) return false;
    }
    return receive(*its) == kClosed;
  });
  for (const std::string_view text : {"a", "bc", ""}) {
    ASSERT_EQ(*pipe->send(bytes(text)), Outcome::Ok);
    EXPECT_EQ(receive(*pipe), "==" + std::string(text));
  }
  pipe->close();
  EXPECT_TRUE(echo.ended_well());
}

TEST(PipeTest, AKilledPeerIsToldOfAfterWhatItSent) {
  Shared shared;
  Result<Pipe> pipe = open(*shared.self, 0);
  Child peer(shared, send_and_stay);
  ASSERT_TRUE(peer.is_here());
  peer.kill();
  EXPECT_EQ(*pipe->poll(), Outcome::Ok);
  EXPECT_EQ(receive(*pipe), "=last");
  EXPECT_EQ(*pipe->poll(kPatience), Outcome::PeerDied);
  EXPECT_EQ(receive(*pipe), kPeerDied);
  EXPECT_EQ(receive(*pipe), kPeerDied);
  EXPECT_EQ(*pipe->send(bytes("x")), Outcome::PeerDied);
}

TEST(PipeTest, AWaitForAPeerThatIsKilledEnds) {
  Shared shared;
  Child reader(shared, [](Child::Life& life) {
    Result<Pipe> pipe = open(life.participant(), 0);
    const bool got = receive(*pipe) == "=last";
    life.here();
    return got && receive(*pipe, kForever) == kPeerDied;
  });
  Child peer(shared, send_and_stay);
  ASSERT_TRUE(peer.is_here() && reader.is_here());
  peer.kill();
  EXPECT_TRUE(reader.ended_well());
}

TEST(PipeTest, AWaitForRoomEndsWhenThePeerIsKilled) {
  Shared shared;
  Child peer(shared, send_and_stay);
  ASSERT_TRUE(peer.is_here());
  Child writer(shared, [](Child::Life& life) {
    Result<Pipe> pipe = open(life.participant(), 0);
    for (int i = 0; i < 4; ++i)
      if (*pipe->send(bytes("fill")) != Outcome::Ok) return false;
    life.here();
    return *pipe->send(bytes("more")) == Outcome::PeerDied;
  });
  ASSERT_TRUE(writer.is_here());
  peer.kill();
  EXPECT_TRUE(writer.ended_well());
}

TEST(PipeTest, APeerThatLeavesOrClosesIsNotDead) {
  Shared shared;
  Result<Pipe> pipe = open(*shared.self, 0);
  Child peer(shared, [](Child::Life& life) {
    Result<Pipe> its = open(life.participant(), 1);
    return *its->send(bytes("bye")) == Outcome::Ok;
  });
  ASSERT_TRUE(peer.ended_well());
  EXPECT_EQ(receive(*pipe), "=bye");
  EXPECT_EQ(receive(*pipe), kClosed);
  EXPECT_EQ(*pipe->send(bytes("x")), Outcome::Closed);
}

TEST(PipeTest, ASuccessorTakesTheEndOverAndTheDeathIsToldInBetween) {
  Shared shared;
  Result<Pipe> pipe = open(*shared.self, 0);
  ASSERT_EQ(*pipe->send(bytes("kept")), Outcome::Ok);
  Child first(shared, send_and_stay);
  ASSERT_TRUE(first.is_here());
  first.kill();
  Child second(shared, [](Child::Life& life) {
    Result<Pipe> its = open(life.participant(), 1);
    if (!its || receive(*its) != "=kept") return false;
    if (*its->send(bytes("new")) != Outcome::Ok) return false;
    life.here();
    return receive(*its) == "=done";
  });
  ASSERT_TRUE(second.is_here());
  EXPECT_EQ(receive(*pipe), "=last");
  EXPECT_EQ(receive(*pipe), kPeerDied);
  EXPECT_EQ(receive(*pipe), "=new");
  ASSERT_EQ(*pipe->send(bytes("done")), Outcome::Ok);
  EXPECT_TRUE(second.ended_well());
}

TEST(PipeTest, AnEndHasOneHolder) {
  Shared shared;
  ASSERT_TRUE(open(*shared.self, 0));
  EXPECT_TRUE(open(*shared.self, 0));  // it has it
  const auto other = Participant::attach(*shared.region);
  const Result<Pipe> taken = open(**other, 0);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), "end_taken");
  EXPECT_FALSE(open(**other, 2));
  EXPECT_TRUE(open(**other, 1));
}

TEST(PipeTest, AnEndThatWasClosedIsNoLongerHeld) {
  Shared shared;
  Result<Pipe> pipe = open(*shared.self, 0);
  pipe->close();
  EXPECT_EQ(receive(*pipe), "not_holder");
  const Result<Outcome> sent = pipe->send(bytes("x"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code(), "not_holder");
}

TEST(PipeTest, AnEndThatNobodyOpenedIsWaitedFor) {
  Shared shared;
  Result<Pipe> pipe = open(*shared.self, 0);
  EXPECT_EQ(*pipe->poll(), Outcome::TimedOut);
  const Nanoseconds start = monotonic_ns();
  EXPECT_EQ(receive(*pipe, 120 * kMilli), kTimedOut);
  EXPECT_GE(monotonic_ns() - start, 120 * kMilli);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(*pipe->send(bytes("m")), Outcome::Ok);
  EXPECT_EQ(*pipe->send(bytes("m"), 0), Outcome::TimedOut);
}

TEST(PipeTest, DamagedPositionsAreAnError) {
  Shared shared;
  Result<Pipe> pipe = open(*shared.self, 0);
  reinterpret_cast<RingState*>(shared.state<PipeState>() + 1)->tail = 77;
  EXPECT_EQ(receive(*pipe), "region_damaged");
}

}  // namespace
}  // namespace tally::sync

// Reading is total: whatever a peer sends as a body gives a value or an Error. What is
// accepted can be encoded again. The seed is fixed, so a failure comes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "ipc/codec/control_codec.h"
#include "tests/unit/ipc/samples.h"

namespace tally::ipc {
namespace {

constexpr int kFlipsPerSample = 300;
constexpr int kRandomBodies = 5000;

// Gives the body to every reader; true if one took it for a message.
bool read_all(const Bytes& body) {
  bool accepted = false;
  if (const auto request = read_request(body)) {
    Bytes out;
    (void)append_request(out, 1, 0, *request);  // too large now is an answer, too
    accepted = true;
  }
  if (const auto reply = read_reply(body)) {
    Bytes out;
    append_reply(out, 1, *reply);
    accepted = true;
  }
  if (const auto event = read_event(body)) {
    Bytes out;
    append_event(out, 1, *event);
    accepted = true;
  }
  if (const auto message = read_worker_message(body)) {
    Bytes out;
    (void)append_worker_message(out, 0, *message);
    accepted = true;
  }
  return accepted;
}

std::vector<Bytes> valid_bodies() {
  std::vector<Bytes> bodies;
  for (const auto& request : sample_requests()) bodies.push_back(request_body(request));
  for (const auto& reply : sample_replies()) bodies.push_back(reply_body(reply));
  for (const auto& message : sample_worker_messages())
    bodies.push_back(worker_body(message));
  return bodies;
}

TEST(HostileBytes, FlippedBitsGiveAValueOrAnError) {
  std::mt19937_64 random(20'260'101);
  int accepted = 0;
  int refused = 0;
  for (const Bytes& valid : valid_bodies()) {
    ASSERT_TRUE(read_all(valid));
    for (int i = 0; i < kFlipsPerSample; ++i) {
      Bytes body = valid;
      const std::size_t flips = 1 + random() % 4;
      for (std::size_t flip = 0; flip < flips; ++flip)
        body[random() % body.size()] ^= static_cast<std::byte>(1U << random() % 8);
      (read_all(body) ? accepted : refused) += 1;
    }
  }
  // Both happen, so the loop reaches the readers and their refusals.
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 100);
}

TEST(HostileBytes, CutBodiesGiveAValueOrAnError) {
  for (const Bytes& valid : valid_bodies())
    for (std::size_t size = 0; size < valid.size(); size += 8)
      (void)read_all(Bytes(valid.begin(), valid.begin() + static_cast<long>(size)));
}

TEST(HostileBytes, RandomBytesGiveAValueOrAnError) {
  std::mt19937_64 random(42);
  for (int i = 0; i < kRandomBodies; ++i) {
    Bytes body(8 + 8 * (random() % 64));
    for (std::byte& byte : body) byte = static_cast<std::byte>(random());
    // Half of them with a segment table that adds up, or few would get past it.
    if (i % 2 == 0) {
      const auto words = static_cast<std::uint32_t>(body.size() / 8 - 1);
      const std::uint32_t table[] = {0, words};
      std::copy_n(reinterpret_cast<const std::byte*>(table), 8, body.begin());
    }
    (void)read_all(body);
  }
}

TEST(HostileBytes, AListThatClaimsMoreThanItsBytesHoldIsRefused) {
  // A Reply.jobs of 2^29 - 1 structs that take no bytes: a reader that trusted the
  // count would allocate gigabytes.
  const std::uint64_t words[] = {std::uint64_t{4} << 32,  // one segment, four words
                                 0x0001'0001'0000'0000,   // root: one word, one pointer
                                 4,                       // the union: jobs
                                 std::uint64_t{7} << 32 | 1,  // a list of structs
                                 0x7fff'fffc};                // 2^29 - 1 of no size
  Bytes body(sizeof words);
  std::memcpy(body.data(), words, sizeof words);
  ASSERT_TRUE(check_segments(body));
  const Result<model::Reply> reply = read_reply(body);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), "invalid_argument");
}

}  // namespace
}  // namespace tally::ipc

// A stream of bytes is the same frames, or the same violation, however it is cut.
#include <sys/socket.h>

#include <string>
#include <vector>

#include "ipc/base/check.h"
#include "ipc/frame_reader.h"
#include "tests/fuzz/input.h"

namespace {

using tally::ipc::FrameReader;
using tally::ipc::Transfer;

struct Outcome {
  std::vector<std::string> bodies;
  std::string violation;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read_all(std::span<const std::byte> stream, std::size_t piece) {
  int ends[2];
  TALLY_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const tally::UniqueFd ours(ends[0]);
  const tally::UniqueFd theirs(ends[1]);
  FrameReader reader{tally::ipc::FrameLimits{}};
  Outcome outcome;
  while (!stream.empty() && outcome.violation.empty()) {
    const auto part = stream.first(std::min(piece, stream.size()));
    TALLY_CHECK(::send(theirs.get(), part.data(), part.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(part.size()));
    stream = stream.subspan(part.size());
    for (;;) {
      const auto got = reader.receive(ours.get(), MSG_DONTWAIT);
      TALLY_CHECK(got);
      if (*got != Transfer::Moved) break;
      for (;;) {
        const auto frame = reader.next();
        if (!frame) {
          outcome.violation = frame.error().code();
          return outcome;
        }
        if (!*frame) break;
        const auto body = (*frame)->body;
        TALLY_CHECK(reinterpret_cast<std::uintptr_t>(body.data()) % 8 == 0);
        TALLY_CHECK(body.size() % 8 == 0 &&
                    body.size() <= tally::ipc::kMaxRequestBytes);
        outcome.bodies.emplace_back(reinterpret_cast<const char*>(body.data()),
                                    body.size());
      }
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tally::fuzz::Input input(data, size);
  const std::size_t piece = 1 + input.byte();
  const auto stream =
      input.rest().first(std::min<std::size_t>(input.rest().size(), 8192));
  TALLY_CHECK(read_all(stream, piece) == read_all(stream, stream.size() + 1));
  return 0;
}

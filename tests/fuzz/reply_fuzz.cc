// A body that is a reply, or an event, to a client can be encoded, and is the same
// then.
#include "ipc/base/check.h"
#include "ipc/codec/control_codec.h"
#include "tests/fuzz/input.h"

namespace {

template <typename T, typename Append>
std::vector<std::byte> encoded(const T& message, Append append) {
  tally::ipc::Bytes frame;
  append(frame, 1, message);
  return {frame.begin() + tally::ipc::kFrameHeaderBytes, frame.end()};
}

template <typename Read, typename Append>
void check(std::span<const std::byte> body, Read read, Append append) {
  const auto message = read(body);
  if (!message) return;
  const std::vector<std::byte> once = encoded(*message, append);
  const auto again = read(once);
  TALLY_CHECK(again);
  TALLY_CHECK(encoded(*again, append) == once);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = tally::fuzz::Input(data, size).body();
  check(body, tally::ipc::read_reply, tally::ipc::append_reply);
  check(body, tally::ipc::read_event, tally::ipc::append_event);
  return 0;
}

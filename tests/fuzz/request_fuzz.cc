// A body that is a request can be encoded, and is the same request then.
#include "ipc/base/check.h"
#include "ipc/codec/control_codec.h"
#include "tests/fuzz/input.h"

namespace {

// The body of the request's own encoding; empty if it is too large for a frame.
std::vector<std::byte> encoded(const tally::model::Request& request) {
  tally::ipc::Bytes frame;
  if (!tally::ipc::append_request(frame, 1, 0, request)) return {};
  return {frame.begin() + tally::ipc::kFrameHeaderBytes, frame.end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = tally::ipc::read_request(tally::fuzz::Input(data, size).body());
  if (!request) return 0;
  const std::vector<std::byte> once = encoded(*request);
  if (once.empty()) return 0;
  const auto again = tally::ipc::read_request(once);
  TALLY_CHECK(again);
  TALLY_CHECK(encoded(*again) == once);
  return 0;
}

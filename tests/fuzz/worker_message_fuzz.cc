// Between daemon and worker, both ways: what is taken for a message is the same when it
// was encoded again.
#include "ipc/base/check.h"
#include "ipc/codec/worker_codec.h"
#include "tests/fuzz/input.h"

namespace {

std::vector<std::byte> encoded(const tally::ipc::WorkerMessage& message) {
  tally::ipc::Bytes frame;
  if (!tally::ipc::append_worker_message(frame, 0, message)) return {};
  return {frame.begin() + tally::ipc::kFrameHeaderBytes, frame.end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message =
      tally::ipc::read_worker_message(tally::fuzz::Input(data, size).body());
  if (!message) return 0;
  const std::vector<std::byte> once = encoded(*message);
  if (once.empty()) return 0;
  const auto again = tally::ipc::read_worker_message(once);
  TALLY_CHECK(again);
  TALLY_CHECK(encoded(*again) == once);
  return 0;
}

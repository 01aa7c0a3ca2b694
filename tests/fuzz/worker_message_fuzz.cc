// Between daemon and worker, both ways: what is taken for a message is the same when it
// was encoded again.
#include "ipc/codec/worker_codec.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tally::fuzz::check_round_trip(
      tally::fuzz::Input(data, size).body(), tally::ipc::read_worker_message,
      [](tally::ipc::Bytes& frame, const tally::ipc::WorkerMessage& message) {
        return static_cast<bool>(tally::ipc::append_worker_message(frame, 0, message));
      });
  return 0;
}

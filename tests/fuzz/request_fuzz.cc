// A body that is a request can be encoded, and is the same request then.
#include "ipc/codec/control_codec.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tally::fuzz::check_round_trip(
      tally::fuzz::Input(data, size).body(), tally::ipc::read_request,
      [](tally::ipc::Bytes& frame, const tally::model::Request& request) {
        return static_cast<bool>(tally::ipc::append_request(frame, 1, 0, request));
      });
  return 0;
}

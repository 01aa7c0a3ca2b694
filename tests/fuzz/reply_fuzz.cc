// A body that is a reply, or an event, to a client can be encoded, and is the same
// then.
#include "ipc/codec/control_codec.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/round_trip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = tally::fuzz::Input(data, size).body();
  tally::fuzz::check_round_trip(
      body, tally::ipc::read_reply,
      [](tally::ipc::Bytes& frame, const tally::model::Reply& reply) {
        tally::ipc::append_reply(frame, 1, reply);
        return true;
      });
  tally::fuzz::check_round_trip(
      body, tally::ipc::read_event,
      [](tally::ipc::Bytes& frame, const tally::model::Event& event) {
        tally::ipc::append_event(frame, 1, event);
        return true;
      });
  return 0;
}

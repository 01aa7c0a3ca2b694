// A frame out of an assembler is one that cut into packets again arrives the same;
// whatever packets come, it is bounded and what its header says.
//
// The input is packets: two bytes of size each, then the bytes.
#include <sys/socket.h>

#include <optional>
#include <vector>

#include "ipc/base/check.h"
#include "ipc/message.h"
#include "ipc/packet.h"
#include "tests/fuzz/input.h"

namespace {

using tally::ipc::Bytes;
using tally::ipc::Frame;
using tally::ipc::FrameHeader;
using tally::ipc::kFrameHeaderBytes;
using tally::ipc::PacketAssembler;
using tally::ipc::Transfer;

struct Ends {
  tally::UniqueFd near;
  tally::UniqueFd far;
};

Ends socket_pair() {
  int ends[2];
  TALLY_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
  return {tally::UniqueFd(ends[0]), tally::UniqueFd(ends[1])};
}

Bytes bytes_of(const Frame& frame) {
  Bytes bytes(kFrameHeaderBytes);
  tally::ipc::encode_header(frame.header,
                            std::span<std::byte, kFrameHeaderBytes>(bytes));
  bytes.insert(bytes.end(), frame.body.begin(), frame.body.end());
  return bytes;
}

// Sent as our own side sends it.
void check_arrives(const Bytes& bytes) {
  const Ends ends = socket_pair();
  PacketAssembler assembler;
  std::size_t sent = 0;
  while (sent != bytes.size()) {
    const auto state =
        tally::ipc::send_packets(ends.far.get(), bytes, {}, sent, MSG_DONTWAIT);
    TALLY_CHECK(state && *state != Transfer::Closed);
    for (;;) {
      const auto got = assembler.receive(ends.near.get(), MSG_DONTWAIT);
      TALLY_CHECK(got);
      if (*got != Transfer::Moved) break;
      const auto frame = assembler.next();
      TALLY_CHECK(frame);
      if (!*frame) continue;
      TALLY_CHECK(sent == bytes.size() && bytes_of(**frame) == bytes);
      return;
    }
  }
  TALLY_CHECK(false);  // all of it was sent, and no frame came
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tally::fuzz::Input input(data, size);
  const Ends ends = socket_pair();
  PacketAssembler assembler;
  while (!input.rest().empty()) {
    const std::size_t low = input.byte();
    const std::size_t wanted = low | std::size_t{input.byte()} << 8U;
    const auto packet = input.take(wanted);
    if (packet.empty()) return 0;  // recvmsg would tell it as the end of the stream
    TALLY_CHECK(::send(ends.far.get(), packet.data(), packet.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(packet.size()));
    if (!assembler.receive(ends.near.get(), MSG_DONTWAIT)) return 0;
    const auto frame = assembler.next();
    if (!frame) return 0;
    if (!*frame) continue;
    TALLY_CHECK((*frame)->header.fd_count == 0);
    TALLY_CHECK((*frame)->body.size() == (*frame)->header.body_size);
    TALLY_CHECK((*frame)->body.size() <= tally::ipc::kMaxWorkerBytes);
    TALLY_CHECK(reinterpret_cast<std::uintptr_t>((*frame)->body.data()) % 8 == 0);
    check_arrives(bytes_of(**frame));
  }
  return 0;
}

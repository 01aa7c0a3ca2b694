// check_round_trip: what a body was read as can be encoded, and is the same then.
#pragma once

#include <span>
#include <vector>

#include "ipc/base/check.h"
#include "ipc/message.h"

namespace tally::fuzz {

// `read(body)` gives a Result; `append(frame, message)` is false if the message is too
// large for a frame, which is an answer, too.
template <typename Read, typename Append>
void check_round_trip(std::span<const std::byte> body, Read read, Append append) {
  const auto encoded = [&](const auto& message) {
    ipc::Bytes frame;
    if (!append(frame, message)) return ipc::Bytes();
    return ipc::Bytes(frame.begin() + ipc::kFrameHeaderBytes, frame.end());
  };
  const auto message = read(body);
  if (!message) return;
  const ipc::Bytes once = encoded(*message);
  if (once.empty()) return;
  const auto again = read(std::span<const std::byte>(once));
  TALLY_CHECK(again);
  TALLY_CHECK(encoded(*again) == once);
}

}  // namespace tally::fuzz

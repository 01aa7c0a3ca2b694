// Messages: one Cap'n Proto message as the body of a frame.
//
// Writing appends header and body to a byte vector, so that many replies leave in one
// send. Reading is bounded before Cap'n Proto sees a byte: at most 64 segments whose
// sizes add up to the body, a traversal limit in proportion to it, a nesting limit.
#pragma once

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ipc/base/guard.h"
#include "ipc/base/result.h"
#include "ipc/frame.h"

namespace tally::ipc {

using Bytes = std::vector<std::byte>;

inline constexpr std::uint32_t kMaxSegments = 64;

// A builder whose first segment lies in the object: small messages allocate nothing.
class MessageScratch {
 public:
  MessageScratch() : builder_(kj::arrayPtr(words_, kWords)) {}
  MessageScratch(const MessageScratch&) = delete;
  MessageScratch& operator=(const MessageScratch&) = delete;

  capnp::MallocMessageBuilder& builder() { return builder_; }

 private:
  static constexpr std::size_t kWords = 256;
  capnp::word words_[kWords] = {};  // Cap'n Proto wants zeroes
  capnp::MallocMessageBuilder builder_;
};

// Appends the frame to `out`. The body size is set here. Errors: InvalidArgument
// "message_too_large" when the body passes max_body_bytes; `out` is then unchanged.
Result<void> append_frame(Bytes& out, FrameHeader header,
                          capnp::MallocMessageBuilder& message,
                          std::uint32_t max_body_bytes);

// Checks the segment table of `body` (8-aligned). Errors: ProtocolViolation
// "bad_segments".
Result<void> check_segments(std::span<const std::byte> body);

// Reads `body` as a message of struct Root and gives it to `decode`, which returns a
// Result; anything Cap'n Proto throws meanwhile is an InvalidArgument "bad_message".
// `body` must be 8-aligned and live until the call returns.
template <typename Root, typename F>
auto read_message(std::span<const std::byte> body, F&& decode)
    -> decltype(decode(std::declval<typename Root::Reader>())) {
  if (Result<void> ok = check_segments(body); !ok) return std::move(ok).error();
  return guarded("message", Errc::InvalidArgument, [&] {
    const auto words = kj::arrayPtr(reinterpret_cast<const capnp::word*>(body.data()),
                                    body.size() / sizeof(capnp::word));
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 8 * words.size() + 1024;
    options.nestingLimit = 16;
    capnp::FlatArrayMessageReader reader(words, options);
    return decode(reader.getRoot<Root>());
  });
}

}  // namespace tally::ipc

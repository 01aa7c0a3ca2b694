#include "ipc/message.h"

#include <cstring>
#include <string>

namespace tally::ipc {

Result<void> append_frame(Bytes& out, FrameHeader header,
                          capnp::MallocMessageBuilder& message,
                          std::uint32_t max_body_bytes) {
  const auto segments = message.getSegmentsForOutput();
  const std::size_t table_words = segments.size() / 2 + 1;
  std::size_t words = table_words;
  for (const auto& segment : segments) words += segment.size();
  const std::size_t body_bytes = words * sizeof(capnp::word);
  if (body_bytes > max_body_bytes || segments.size() > kMaxSegments)
    return Error(Errc::InvalidArgument, "message_too_large",
                 "the message has " + std::to_string(body_bytes) + " bytes; " +
                     std::to_string(max_body_bytes) + " are allowed")
        .with("limit", std::int64_t{max_body_bytes});

  header.body_size = static_cast<std::uint32_t>(body_bytes);
  const std::size_t start = out.size();
  out.resize(start + kFrameHeaderBytes + body_bytes);
  std::byte* at = out.data() + start;
  encode_header(header, std::span<std::byte, kFrameHeaderBytes>(at, kFrameHeaderBytes));
  at += kFrameHeaderBytes;

  // The segment table: count - 1, each size in words, padded to a whole word.
  std::memset(at, 0, table_words * sizeof(capnp::word));
  const auto count_less_one = static_cast<std::uint32_t>(segments.size() - 1);
  std::memcpy(at, &count_less_one, 4);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto size = static_cast<std::uint32_t>(segments[i].size());
    std::memcpy(at + 4 + 4 * i, &size, 4);
  }
  at += table_words * sizeof(capnp::word);
  for (const auto& segment : segments) {
    const std::size_t bytes = segment.size() * sizeof(capnp::word);
    std::memcpy(at, segment.begin(), bytes);
    at += bytes;
  }
  return {};
}

Result<void> check_segments(std::span<const std::byte> body) {
  const auto bad = [](const char* what) {
    return Error(Errc::ProtocolViolation, "bad_segments", what);
  };
  if (body.size() < 8) return bad("the body is shorter than a segment table");
  std::uint32_t count = 0;
  std::memcpy(&count, body.data(), 4);
  if (count >= kMaxSegments) return bad("the body claims more than 64 segments");
  ++count;
  const std::size_t table_words = count / 2 + 1;
  if (table_words * 8 > body.size()) return bad("the segment table is cut short");
  std::uint64_t words = table_words;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t size = 0;
    std::memcpy(&size, body.data() + 4 + 4 * std::size_t{i}, 4);
    words += size;
  }
  if (words * 8 != body.size()) return bad("the segments do not add up to the body");
  return {};
}

}  // namespace tally::ipc

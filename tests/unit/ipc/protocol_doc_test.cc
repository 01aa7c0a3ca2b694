// The worked examples of ipc/PROTOCOL.md are the bytes that the code writes.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "ipc/codec/control_codec.h"
#include "ipc/frame.h"
#include "tests/unit/ipc/wire_support.h"

namespace tally::ipc {
namespace {

// A line of an example: "0010:  54 4c 59 31  comment". The offset must be right.
void append_line(Bytes& bytes, const std::string& line) {
  std::istringstream words(line);
  std::string word;
  words >> word;
  ASSERT_EQ(word.size(), 5U) << line;
  ASSERT_EQ(std::stoul(word, nullptr, 16), bytes.size()) << line;
  while (words >> word && word.size() == 2 &&
         word.find_first_not_of("0123456789abcdef") == std::string::npos)
    bytes.push_back(static_cast<std::byte>(std::stoul(word, nullptr, 16)));
}

// The fenced blocks that start with ```hex NAME.
std::map<std::string, Bytes> examples() {
  std::ifstream document(TALLY_PROTOCOL_MD);
  EXPECT_TRUE(document.is_open());
  std::map<std::string, Bytes> found;
  std::string name;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("```hex "))
      name = line.substr(7);
    else if (line.starts_with("```"))
      name.clear();
    else if (!name.empty())
      append_line(found[name], line);
  }
  return found;
}

TEST(ProtocolDocument, ItsPingIsWhatTheCodeSends) {
  Bytes frame;
  ASSERT_TRUE(append_request(frame, 2, 0, model::Ping{}));
  EXPECT_EQ(examples()["ping"], frame);
}

TEST(ProtocolDocument, ItsReplyDecodesToDone) {
  Bytes example = examples()["done"];
  ASSERT_GE(example.size(), kFrameHeaderBytes);
  const Result<FrameHeader> header =
      decode_header(HeaderBytes(example.data(), kFrameHeaderBytes), {});
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(*header, (FrameHeader{FrameKind::Reply, 0,
                                  static_cast<std::uint32_t>(example.size() - 16), 2}));
  const Result<model::Reply> reply = read_reply(body_of(example));
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_TRUE(std::holds_alternative<model::Done>(*reply));
}

TEST(ProtocolDocument, ItsSubmitAsksForTheSumOfARange) {
  const Bytes example = examples()["submit"];
  ASSERT_GE(example.size(), kFrameHeaderBytes);
  const Result<model::Request> request = read_request(body_of(example));
  ASSERT_TRUE(request) << request.error().message();
  const auto& submit = std::get<model::Submit>(*request);
  ASSERT_EQ(submit.spec.reducers.size(), 1U);
  EXPECT_EQ(submit.spec.reducers[0].name, "sum");
  EXPECT_EQ(std::get<model::RangeSource>(submit.spec.source).stop, 10);
  Bytes again;
  ASSERT_TRUE(append_request(again, 3, 0, *request));
  EXPECT_EQ(again, example);
}

TEST(ProtocolDocument, ListsEveryErrorClassWithItsExitCode) {
  std::ifstream document(TALLY_PROTOCOL_MD);
  std::stringstream text;
  text << document.rdbuf();
  for (std::uint16_t i = 1; i <= kLastErrc; ++i) {
    const auto errc = static_cast<Errc>(i);
    const std::string row = "| " + std::to_string(i) + " | `" +
                            std::string(name_of(errc)) + "` | " +
                            std::to_string(exit_code_of(errc)) + " |";
    EXPECT_NE(text.str().find(row), std::string::npos) << row;
  }
}

}  // namespace
}  // namespace tally::ipc

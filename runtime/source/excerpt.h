// excerpt: a piece of somebody's input, fit to stand in a message.
//
// Trust: the text is hostile. Control bytes and bytes that are no UTF-8 come out as
// \xNN, so that a message cannot drive a terminal and always is valid UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tally::source {

inline constexpr std::size_t kExcerptBytes = 80;

// The first `limit` bytes of `text`, never half a character; "…" follows if some were
// left out.
std::string excerpt(std::string_view text, std::size_t limit = kExcerptBytes);

}  // namespace tally::source

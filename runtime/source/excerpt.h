// excerpt: the beginning of a piece of somebody's input, fit to stand in a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ipc/base/printable.h"

namespace tally::source {

inline constexpr std::size_t kExcerptBytes = 80;

inline std::string excerpt(std::string_view text, std::size_t limit = kExcerptBytes) {
  return printable(text, limit);
}

}  // namespace tally::source

// UTF-8, as far as texts of strangers need it.
#pragma once

#include <cstddef>
#include <string_view>

namespace tally {

// How many bytes the character at text[at] has; 0 if there is none: a stray or missing
// continuation, an overlong form, a surrogate, or beyond U+10FFFF.
std::size_t character_bytes(std::string_view text, std::size_t at);

}  // namespace tally

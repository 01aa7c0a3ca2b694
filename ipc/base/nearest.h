// nearest: the choice that a mistyped word was probably meant to be.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace tally {

// Case does not count. Typing errors are an added, a dropped, a changed character and
// two that changed places; one is forgiven for every three characters of `word`, and
// one at least. The first of equally near choices; none if nothing is near.
std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> choices);

}  // namespace tally

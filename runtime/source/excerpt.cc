#include "runtime/source/excerpt.h"

namespace tally::source {
namespace {

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

// The length of the UTF-8 character at `at`; 0 if there is none.
std::size_t character_bytes(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  for (std::size_t i = 1; i < length; ++i)
    if (!continues(text, at + i)) return 0;
  if (length < 3) return length;
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  const auto second = static_cast<unsigned char>(text[at + 1]);
  const bool wrong = (lead == 0xE0 && second < 0xA0) ||
                     (lead == 0xED && second > 0x9F) ||
                     (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

bool is_control(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x20 || lead == 0x7F) return true;
  // U+0080 to U+009F: terminals obey these too.
  return lead == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0;
}

}  // namespace

std::string excerpt(std::string_view text, std::size_t limit) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string shown;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = character_bytes(text, at);
    const std::size_t step = length == 0 ? 1 : length;
    if (at + step > limit) break;
    if (length != 0 && !is_control(text, at)) {
      shown += text.substr(at, step);
    } else {
      for (std::size_t i = 0; i < step; ++i) {
        const auto byte = static_cast<unsigned char>(text[at + i]);
        shown += {'\\', 'x', kDigits[byte >> 4U], kDigits[byte & 15U]};
      }
    }
    at += step;
  }
  if (at < text.size()) shown += "…";
  return shown;
}

}  // namespace tally::source

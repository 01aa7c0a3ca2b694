#include "ipc/base/printable.h"

#include "ipc/base/utf8.h"

namespace tally {
namespace {

bool is_control(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x20 || lead == 0x7F) return true;
  // U+0080 to U+009F: terminals obey these too.
  return lead == 0xC2 && static_cast<unsigned char>(text[at + 1]) < 0xA0;
}

void append_escaped(std::string& out, std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'\\', 'x', kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
}

}  // namespace

std::string printable(std::string_view text) {
  return printable(text, text.size());
}

std::string printable_lines(std::string_view text) {
  std::string shown;
  for (;;) {
    const std::size_t end = text.find('\n');
    shown += printable(text.substr(0, end));
    if (end == std::string_view::npos) return shown;
    shown += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string shown;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = character_bytes(text, at);
    const std::size_t step = length == 0 ? 1 : length;
    if (at + step > limit) break;
    const std::string_view bytes = text.substr(at, step);
    if (length != 0 && !is_control(text, at)) {
      shown += bytes;
    } else {
      append_escaped(shown, bytes);
    }
    at += step;
  }
  if (at < text.size()) shown += "…";
  return shown;
}

}  // namespace tally

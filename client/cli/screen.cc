#include "client/cli/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "client/cli/output.h"
#include "client/cli/terminal.h"

namespace tally::cli {
namespace {

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearBelow = "\x1b[J";
constexpr std::string_view kClearLine = "\x1b[K";

bool continues_a_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

}  // namespace

Screen::Screen() {
  print(kEnter);
}

Screen::~Screen() {
  print(kLeave);
  std::fflush(stdout);
}

void Screen::draw(const std::string& text) {
  winsize size{};
  ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
  print(kHome);
  for (const char c : cut_to(text, size.ws_row, size.ws_col)) {
    if (c == '\n') print(kClearLine);
    print({&c, 1});
  }
  print(kClearLine);
  print(kClearBelow);
  std::fflush(stdout);
}

bool Screen::possible() {
  const char* const kind = std::getenv("TERM");
  return is_terminal(stdout) && kind != nullptr && std::string_view(kind) != "dumb";
}

std::string cut_to(const std::string& text, std::size_t rows, std::size_t columns) {
  std::string cut;
  std::size_t row = 0;
  std::size_t column = 0;
  bool shown = true;  // whether the character that goes on was
  for (const char c : text) {
    if (c == '\n') {
      if (++row == rows) break;
      column = 0;
      cut += c;
      continue;
    }
    if (!continues_a_character(c)) shown = columns == 0 || column++ < columns;
    if (shown) cut += c;
  }
  if (!cut.empty() && cut.back() == '\n') cut.pop_back();
  return cut;
}

}  // namespace tally::cli

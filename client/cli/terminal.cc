#include "client/cli/terminal.h"

#include <unistd.h>

#include <cstdlib>

namespace tally::cli {
namespace {

bool colour_is_wanted() {
  const char* const no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* const kind = std::getenv("TERM");
  return kind != nullptr && std::string_view(kind) != "dumb";
}

}  // namespace

bool is_terminal(std::FILE* stream) {
  return ::isatty(::fileno(stream)) == 1;
}

std::string dim(std::string_view text, std::FILE* stream) {
  if (!is_terminal(stream) || !colour_is_wanted()) return std::string(text);
  return "\x1b[2m" + std::string(text) + "\x1b[0m";
}

}  // namespace tally::cli

#include "client/cli/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "client/answer_json.h"
#include "client/cli/terminal.h"

namespace tally::cli {

void print(std::string_view text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);  // finish_output() looks
}

void print_line(std::string_view text) {
  print(text);
  print("\n");
}

void print_error(const Error& error) {
  std::fprintf(stderr, "tally: %s\n", printable(error.message()).c_str());
}

int report(const Error& error, bool json) {
  if (json) print_line(client::error_to_json(error));
  print_error(error);
  return exit_code_of(error.errc());
}

bool flush_output() {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!flushed && errno != EPIPE && errno != 0)
    std::fprintf(stderr, "tally: the output cannot be written: %s\n",
                 std::strerror(errno));
  return flushed;
}

int finish_output(int exit_code) {
  if (flush_output() || exit_code != 0) return exit_code;
  return 1;
}

}  // namespace tally::cli

// Screen: a terminal's screen that is drawn again and again, and then given back.
//
// While a Screen lives, the alternate screen is shown and the cursor is hidden; what
// was on the terminal before is there again afterwards. Lines are cut to the terminal's
// size of the moment. Threads: one.
#pragma once

#include <string>

namespace tally::cli {

class Screen {
 public:
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void draw(const std::string& text);

  // Whether stdout is a terminal that can be drawn on.
  static bool possible();
};

// The first `rows` lines of `text`, each cut to `columns` code points; all are ended by
// "\n" but the last. 0: no bound.
std::string cut_to(const std::string& text, std::size_t rows, std::size_t columns);

}  // namespace tally::cli

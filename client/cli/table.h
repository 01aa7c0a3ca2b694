// Table: rows of cells in aligned columns, two blanks apart, nothing after the last.
#pragma once

#include <string>
#include <vector>

namespace tally::cli {

class Table {
 public:
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // One line a row, each ended by a newline. Cells are counted in code points.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tally::cli

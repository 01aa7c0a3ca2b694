#include "client/cli/table.h"

#include <algorithm>
#include <cstddef>

namespace tally::cli {
namespace {

std::size_t width_of(const std::string& cell) {
  return static_cast<std::size_t>(std::ranges::count_if(
      cell, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t at = 0; at < row.size(); ++at)
      widths[at] = std::max(widths[at], width_of(row[at]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::size_t blanks = 0;
    for (std::size_t at = 0; at < row.size(); ++at) {
      if (!row[at].empty()) {
        text.append(blanks, ' ');
        text += row[at];
        blanks = 0;
      }
      blanks += widths[at] + 2 - width_of(row[at]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace tally::cli

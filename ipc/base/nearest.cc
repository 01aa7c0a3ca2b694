#include "ipc/base/nearest.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tally {
namespace {

// Words longer than this are no typing errors, and comparing them costs time.
constexpr std::size_t kMaxLength = 64;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Edit distance with transpositions of neighbours (optimal string alignment), three
// rows at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0U : 1U)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> choices) {
  if (word.size() > kMaxLength) return std::nullopt;
  std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
  std::optional<std::string_view> best;
  for (const std::string_view choice : choices) {
    const std::size_t d = distance(word, choice);
    // A choice of which nothing is left is no suggestion.
    if (d > allowed || d >= choice.size()) continue;
    if (d < allowed || !best) best = choice;
    allowed = d;
  }
  return best;
}

}  // namespace tally

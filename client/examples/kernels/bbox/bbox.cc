// bbox(x, y): the smallest box around points, and how many there are. Minima and maxima
// do not depend on any order, so the kernel says that it is exact.
#include <algorithm>
#include <cmath>
#include <limits>
#include <tally/tally_kernel.hpp>

struct BoundingBox {
  static constexpr auto name = "bbox";
  static constexpr auto summary = "the smallest box around points (x, y)";
  static constexpr bool exact = true;

  std::uint64_t points = 0;
  double min_x = 0, min_y = 0, max_x = 0, max_y = 0;  // of the points, if there are any

  void update(std::span<const double> x, std::span<const double> y) {
    for (std::size_t i = 0; i < x.size(); ++i) cover({1, x[i], y[i], x[i], y[i]});
  }

  void merge(const BoundingBox& other) { cover(other); }

  tally::kernel::Outputs finish() const {
    if (points == 0) return {{"", tally::kernel::none("bbox of no points")}};
    return {{"min_x", min_x},
            {"min_y", min_y},
            {"max_x", max_x},
            {"max_y", max_y},
            {"points", points}};
  }

  void cover(const BoundingBox& other) {
    if (other.points == 0) return;
    if (points == 0) {
      *this = other;
      return;
    }
    points += other.points;
    min_x = lower(min_x, other.min_x);
    min_y = lower(min_y, other.min_y);
    max_x = -lower(-max_x, -other.max_x);
    max_y = -lower(-max_y, -other.max_y);
  }

  // -0 is below 0 and NaN below everything: else the order would show after all.
  static double lower(double a, double b) {
    if (a != a || b != b) return std::numeric_limits<double>::quiet_NaN();
    return a == b ? (std::signbit(a) ? a : b) : std::min(a, b);
  }
};
TALLY_KERNEL(BoundingBox)

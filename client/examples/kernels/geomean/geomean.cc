// geomean: the geometric mean of positive numbers.
#include <cmath>
#include <tally/tally_kernel.hpp>

struct GeometricMean {
  static constexpr auto name = "geomean";
  static constexpr auto summary = "the geometric mean of positive numbers";

  double log_sum = 0;
  std::uint64_t count = 0;

  void update(std::span<const double> values) {
    for (const double value : values) {
      if (!(value > 0)) tally::kernel::fail("an element that is not positive");
      log_sum += std::log(value);
    }
    count += values.size();
  }

  void merge(const GeometricMean& other) {
    log_sum += other.log_sum;
    count += other.count;
  }

  tally::kernel::Output finish() const {
    if (count == 0) return tally::kernel::none("geomean of no elements");
    return std::exp(log_sum / static_cast<double>(count));
  }
};
TALLY_KERNEL(GeometricMean)

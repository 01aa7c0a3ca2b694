#include "runtime/reduce/float_bins.h"

#include <array>
#include <limits>
#include <optional>

#include "ipc/base/float_environment.h"
#include "runtime/reduce/blocks_and_bins.h"
#include "runtime/reduce/float_bins_kernel.h"
#include "runtime/reduce/float_parts.h"

namespace tally::reduce {
namespace {

class Bins {
 public:
  // 2^67 of elements' mantissas, shifted by 7 at most, stay below 2^127.
  static constexpr std::size_t kRoom = std::numeric_limits<std::size_t>::max();

  void add(const Parts& parts) {
    const std::size_t bin = (std::size_t{parts.negative} << 8) | (parts.exponent >> 3);
    bins_[0][bin] += parts.mantissa << (parts.exponent & 7U);
  }

  void add(const BinnedElements& elements) {
    static_assert(BinnedElements::kCount % kLanes == 0);
    for (std::size_t i = 0; i < BinnedElements::kCount; i += kLanes)
      for (std::size_t lane = 0; lane < kLanes; ++lane)
        bins_[lane][elements.bin[i + lane]] += elements.mantissa[i + lane];
  }

  void empty_into(Superaccumulator& into) const {
    for (unsigned bin = 0; bin < kBins; ++bin) {
      Int128 total = 0;
      for (const auto& lane : bins_)
        total +=
            static_cast<Int128>(lane[bin]) - static_cast<Int128>(lane[bin + kBins]);
      if (total != 0) into.add(total, 8 * bin);
    }
  }

 private:
  // Neighbours go to different bins though their exponents be equal: an addition need
  // not wait for the one before it.
  static constexpr std::size_t kLanes = 2;
  static constexpr unsigned kBins = 256;
  std::array<std::array<UInt128, std::size_t{2} * kBins>, kLanes> bins_{};
};

template <typename T>
FloatRun sum_by_bins(const T* data, std::size_t count, Bins& bins) {
  const auto add = [&bins](const Parts& parts) { bins.add(parts); };
  FloatRun run;
  BinnedElements elements;
  for (; count - run.visited >= BinnedElements::kCount;
       run.visited += BinnedElements::kCount) {
    const T* const at = data + run.visited;
    const std::optional<std::uint8_t> seen = bin_elements(at, elements);
    if (seen)
      bins.add(elements);
    else
      run.seen |= visit_floats(at, BinnedElements::kCount, add).seen;
    run.seen |= seen.value_or(0);
  }
  const FloatRun last = visit_floats(data + run.visited, count - run.visited, add);
  run.seen |= last.seen;
  run.visited += last.visited;
  return run;
}

// Blocks by the kernel, and what it leaves by the bins. Kept apart, so that no
// arithmetic moves out of the environment.
template <typename T>
[[gnu::noinline]] FloatRun sum_by_blocks(const T* data, std::size_t count,
                                         Superaccumulator& into, BlockPlan& plan) {
  const FloatEnvironment environment;
  return by_blocks_and_bins<Bins>(
      count, into,
      [&](FloatRun& run) {
        const BlockRun done =
            anchored_sum(data + run.visited, count - run.visited, into, plan);
        if (done.visited != 0) run.seen |= kSeenOther;
        return done;
      },
      [data](std::size_t at, std::size_t left, Bins& bins) {
        return sum_by_bins(data + at, left, bins);
      });
}

template <typename T>
FloatRun float_sum_of(const T* data, std::size_t count, Superaccumulator& into,
                      BlockPlan& plan) {
  constexpr std::size_t kWorthBins = 1024;  // clearing and emptying cost some 2 us
  if (count >= kWorthBins) return sum_by_blocks(data, count, into, plan);
  return visit_floats(data, count, [&into](const Parts& parts) {
    const Int128 mantissa{parts.mantissa};
    into.add(parts.negative ? -mantissa : mantissa, parts.exponent);
  });
}

}  // namespace

FloatRun float_sum(const float* data, std::size_t count, Superaccumulator& into,
                   BlockPlan& plan) {
  return float_sum_of(data, count, into, plan);
}

FloatRun float_sum(const double* data, std::size_t count, Superaccumulator& into,
                   BlockPlan& plan) {
  return float_sum_of(data, count, into, plan);
}

}  // namespace tally::reduce

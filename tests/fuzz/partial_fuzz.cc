// A partial's bytes: those that are a state are its own serialisation, and merging it
// never changes the source.
#include "ipc/base/check.h"
#include "runtime/reduce/histogram_state.h"
#include "runtime/reduce/ranks_state.h"
#include "runtime/reduce/state.h"
#include "tests/fuzz/input.h"

namespace {

std::vector<std::byte> bytes_of(const tally::reduce::State& state) {
  std::vector<std::byte> bytes;
  state.serialise(bytes);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tally::fuzz::Input input(data, size);
  const auto family =
      static_cast<tally::model::Family>(1 + input.byte() % tally::model::kLastFamily);
  const auto type = static_cast<tally::model::ElementType>(1 + input.byte() % 10);
  // No plan has it: reduce::check_type refuses products of floats.
  if (family == tally::model::Family::Product && tally::model::is_float(type)) return 0;
  // Keys that every type has; with buckets, or the elements themselves.
  const bool ranks = family == tally::model::Family::Ranks;
  const std::uint32_t most_kept = ranks ? input.byte() % 8 : 0;
  const tally::model::KeyWindow window{0, 8, most_kept, 1U << 31};
  const auto make = [&]() -> std::unique_ptr<tally::reduce::State> {
    if (ranks) return std::make_unique<tally::reduce::RanksState>(window, type);
    if (family != tally::model::Family::Histogram)
      return tally::reduce::make_state(family, type);
    const tally::model::HistogramBins bins{5, 0, 1, {}};
    return std::make_unique<tally::reduce::HistogramState>(bins, type);
  };
  const auto state = make();
  const auto before = bytes_of(*state);
  if (!state->deserialise(state->version(), input.rest())) {
    TALLY_CHECK(bytes_of(*state) == before);  // on failure unchanged
    return 0;
  }
  const auto held = bytes_of(*state);
  const auto copy = make();
  TALLY_CHECK(copy->deserialise(copy->version(), held));
  TALLY_CHECK(bytes_of(*copy) == held);
  const auto empty = make();
  copy->merge(*empty);
  TALLY_CHECK(bytes_of(*copy) == held);
  empty->merge(*state);
  TALLY_CHECK(bytes_of(*empty) == held);
  copy->merge(*state);
  TALLY_CHECK(bytes_of(*state) == held);
  return 0;
}

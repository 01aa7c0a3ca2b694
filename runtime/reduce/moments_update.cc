#include "runtime/reduce/moments_update.h"

#include <optional>

#include "ipc/base/float_environment.h"
#include "runtime/reduce/extremes_state.h"
#include "runtime/reduce/float_squares_kernel.h"
#include "runtime/reduce/squares_state.h"
#include "runtime/reduce/sum_state.h"

namespace tally::reduce {
namespace {

struct MomentStates {
  FloatSumState* sum = nullptr;
  FloatSquaresState* squares = nullptr;
  ExtremesState* extremes = nullptr;  // nullptr: not wanted
};

// Both sums, and nothing that is not known here.
std::optional<MomentStates> moment_states(
    std::span<const std::unique_ptr<State>> states) {
  MomentStates found;
  for (const auto& state : states) {
    if (state->family() == model::Family::Sum)
      found.sum = dynamic_cast<FloatSumState*>(state.get());
    else if (state->family() == model::Family::Squares)
      found.squares = dynamic_cast<FloatSquaresState*>(state.get());
    else if (state->family() == model::Family::Extremes)
      found.extremes = static_cast<ExtremesState*>(state.get());
    else
      return std::nullopt;
  }
  if (found.sum == nullptr || found.squares == nullptr) return std::nullopt;
  return found;
}

// Whole blocks, up to the end or to one that is not for the kernel. Kept apart, so that
// no arithmetic moves out of the environment.
template <typename T>
[[gnu::noinline]] std::size_t update_by_blocks(const MomentStates& states,
                                               const Block& block) {
  const FloatEnvironment environment;
  const T* data = static_cast<const T*>(block.data);
  Superaccumulator sum;
  ProductSum squares;
  std::size_t visited = 0;
  while (visited < block.count) {
    const MomentsBlock facts = moments_by_digits(data + visited, block.count - visited,
                                                 sum, squares, states.squares->plan());
    if (facts.visited == 0) break;
    if (states.extremes != nullptr)
      states.extremes->update_between(
          part_of(block, visited, facts.visited, states.sum->type()), facts.least,
          facts.greatest);
    visited += facts.visited;
  }
  if (visited != 0) {
    states.sum->add_finite(sum);
    states.squares->add_finite(squares);
  }
  return visited;
}

}  // namespace

std::size_t update_moments(std::span<const std::unique_ptr<State>> states,
                           const Block& block) {
  constexpr std::size_t kWorthBlocks = 1024;  // as float_squares has it
  if (states.size() < 2 || block.count < kWorthBlocks) return 0;
  const auto found = moment_states(states);
  if (!found) return 0;
  return found->sum->type() == model::ElementType::F32
             ? update_by_blocks<float>(*found, block)
             : update_by_blocks<double>(*found, block);
}

}  // namespace tally::reduce

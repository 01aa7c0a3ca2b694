#include "runtime/job/merged_state.h"

#include <utility>

namespace tally::job {

MergedState empty_state(const std::vector<model::ColumnTask>& columns,
                        model::ElementType type) {
  MergedState state(columns.size());
  for (std::size_t i = 0; i < columns.size(); ++i)
    state[i].states = reduce::make_states(columns[i], type);
  return state;
}

Result<MergedState> read_state(const model::Partial& partial,
                               const std::vector<model::ColumnTask>& columns,
                               model::ElementType type) {
  MergedState state = empty_state(columns, type);
  for (std::size_t i = 0; i < state.size(); ++i) {
    state[i].counts = partial.columns[i].counts;
    for (std::size_t k = 0; k < state[i].states.size(); ++k) {
      const model::StateBytes& bytes = partial.columns[i].states[k];
      Result<void> read = state[i].states[k]->deserialise(bytes.version, bytes.bytes);
      if (!read) return std::move(read).error();
    }
  }
  return state;
}

void merge_state(MergedState& into, const MergedState& from) {
  for (std::size_t i = 0; i < into.size(); ++i) {
    model::ElementCounts& counts = into[i].counts;
    counts.seen += from[i].counts.seen;
    counts.kept += from[i].counts.kept;
    counts.missing += from[i].counts.missing;
    counts.filtered += from[i].counts.filtered;
    for (std::size_t k = 0; k < into[i].states.size(); ++k)
      into[i].states[k]->merge(*from[i].states[k]);
  }
}

}  // namespace tally::job

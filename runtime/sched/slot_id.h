// SlotId: a slot's name: the lane it is of, and its number there.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace tally::sched {

using SlotNumber = std::uint32_t;

// Where chunks run. Inline has no slots: its one chunk is dispatched at once.
enum class Lane : std::uint8_t { Inline = 0, Thread = 1, Process = 2 };
inline constexpr std::size_t kLanes = 3;

struct SlotId {
  Lane lane = Lane::Inline;
  SlotNumber number = 0;
  friend auto operator<=>(const SlotId&, const SlotId&) = default;
};
inline constexpr SlotId kInlineSlot{Lane::Inline, 0};

}  // namespace tally::sched

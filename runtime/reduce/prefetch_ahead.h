// prefetch_ahead: asks for the memory that a kernel will read in 8 KiB, which
// processors by themselves do not across the ends of pages. README.md has the gain.
#pragma once

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <cstddef>

#include "runtime/reduce/unroll.h"

namespace tally::reduce {

// `count` elements at `data` are read now, and all of them in turn. What is asked for
// may lie beyond the end.
template <typename T>
HWY_INLINE void prefetch_ahead(const T* data, std::size_t count) {
  constexpr std::size_t kAhead = 8192, kLine = 64;
  // Loops that go by less take longer for a line than memory does.
  constexpr std::size_t kLeast = 32;
  if (count * sizeof(T) < kLeast) return;
  const auto* const ahead = reinterpret_cast<const std::byte*>(data) + kAhead;
  TALLY_UNROLL for (std::size_t at = 0; at < count * sizeof(T); at += kLine)
      hwy::Prefetch(ahead + at);
}

}  // namespace tally::reduce

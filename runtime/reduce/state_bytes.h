// What every family's deserialise checks and says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ipc/base/result.h"
#include "runtime/reduce/state.h"

namespace tally::reduce {

// InvalidData "bad_state": the bytes are of no state of that kind.
Error bad_state(std::string_view what);

// An Error unless `version` is the state's own and there are `size_bytes` bytes.
Result<void> check_layout(const State& state, std::uint16_t version,
                          std::span<const std::byte> bytes, std::size_t size_bytes);

}  // namespace tally::reduce

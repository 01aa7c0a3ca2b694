// Input: what a fuzz target is given, taken piece by piece.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace tally::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const std::byte*>(data), size) {}

  // 0 where nothing is left.
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = std::to_integer<std::uint8_t>(rest_.front());
    rest_ = rest_.subspan(1);
    return value;
  }
  // The next bytes, fewer where fewer are left.
  std::span<const std::byte> take(std::size_t count) {
    const auto taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  std::span<const std::byte> rest() const { return rest_; }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(rest_.data()), rest_.size()};
  }
  // A copy where a frame's body lies: aligned to 8 bytes, a multiple of 8 of them.
  std::vector<std::byte> body() const {
    std::vector<std::byte> body(rest_.begin(), rest_.end());
    body.resize(body.size() / 8 * 8);
    return body;
  }

 private:
  std::span<const std::byte> rest_;
};

}  // namespace tally::fuzz

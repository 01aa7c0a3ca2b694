// DescriptorRoom: how many descriptors of clients may be open, and how many are.
//
// Threads: the loop's. Lifetime: shared by all who hold some.
#pragma once

#include <asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tally::job {

class DescriptorRoom : public std::enable_shared_from_this<DescriptorRoom> {
 public:
  DescriptorRoom(asio::io_context& loop, std::uint64_t most)
      : loop_(loop), most_(most) {}

  std::uint64_t most() const { return most_; }
  std::uint64_t held() const { return held_; }
  bool has(std::uint64_t count) const { return held_ + count <= most_; }
  void hold(std::uint64_t count) { held_ += count; }
  void give_back(std::uint64_t count);
  // Calls `again` in a later turn of the loop, once some were given back; it looks
  // whether there is room then. Those who wait are called in the order they came.
  void wait(std::function<void()> again) { waiting_.push_back(std::move(again)); }

 private:
  asio::io_context& loop_;
  const std::uint64_t most_;
  std::uint64_t held_ = 0;
  std::vector<std::function<void()>> waiting_;
  bool posted_ = false;
};

}  // namespace tally::job

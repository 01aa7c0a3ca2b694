// DescriptorRoom: room for clients' descriptors, as the ledger has it, and who waits
// for some.
//
// Threads: the loop's. Lifetime: shared by all who hold some.
#pragma once

#include <asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/job/ledger.h"

namespace tally::job {

class DescriptorRoom : public std::enable_shared_from_this<DescriptorRoom> {
 public:
  DescriptorRoom(asio::io_context& loop, std::shared_ptr<Ledger> ledger)
      : loop_(loop), ledger_(std::move(ledger)) {}

  bool has(std::uint32_t uid, std::uint64_t count) const;
  void hold(std::uint32_t uid, std::uint64_t count);
  void give_back(std::uint32_t uid, std::uint64_t count);
  // Some were given back to the ledger itself.
  void came_back();
  // Calls `again` in a later turn of the loop, once some were given back; it looks
  // whether there is room then. Those who wait are called in the order they came.
  void wait(std::function<void()> again) { waiting_.push_back(std::move(again)); }

 private:
  asio::io_context& loop_;
  const std::shared_ptr<Ledger> ledger_;
  std::vector<std::function<void()>> waiting_;
  bool posted_ = false;
};

}  // namespace tally::job

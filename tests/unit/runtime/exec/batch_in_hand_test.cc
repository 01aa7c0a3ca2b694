// BatchInHand: cancellations of one batch do not touch each other.
#include "runtime/exec/batch_in_hand.h"

#include <gtest/gtest.h>

namespace tally::exec {
namespace {

class Batch : public testing::Test {
 protected:
  void give(std::initializer_list<std::uint64_t> jobs) {
    std::vector<model::ChunkKey> keys;
    for (const std::uint64_t job : jobs) keys.push_back({job, 0, 0, 1});
    batch_.begin(page_, std::move(keys));
  }
  // What the executor of each chunk sees, one after the other.
  std::vector<bool> seen() {
    std::vector<bool> called_off;
    for (std::size_t i = 0; i < batch_.chunks().size(); ++i) {
      ++page_.begun;
      called_off.push_back(page_.is_called_off());
    }
    return called_off;
  }
  ChunkPage page_;
  BatchInHand batch_;
};

TEST_F(Batch, EachOfSeveralJobsIsCalledOffByItself) {
  give({5, 6, 7, 6, 8});
  batch_.call_off(page_, 6);
  batch_.call_off(page_, 8);
  EXPECT_EQ(seen(), (std::vector{false, true, false, true, true}));
}

TEST_F(Batch, TheNextBatchIsNotCalledOffWithTheLast) {
  give({5, 6});
  batch_.call_off(page_, 5);
  batch_.call_off(page_, 6);
  EXPECT_EQ(seen(), (std::vector{true, true}));
  give({7, 6, 5});
  batch_.call_off(page_, 5);
  EXPECT_EQ(seen(), (std::vector{false, false, true}));
}

TEST_F(Batch, AFullOneHasABitForEachWhereverItBegins) {
  page_.begun = 1'000'000'007;
  std::vector<model::ChunkKey> keys(ChunkPage::kMostInBatch);
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i].job = i;
  batch_.begin(page_, keys);
  for (std::size_t i = 1; i < keys.size(); i += 3) batch_.call_off(page_, i);
  const std::vector<bool> called_off = seen();
  for (std::size_t i = 0; i < keys.size(); ++i)
    EXPECT_EQ(called_off[i], i % 3 == 1) << i;
}

TEST_F(Batch, APageThatTellsNonsenseNamesNoChunk) {
  page_.begun = 10;
  give({5, 6});
  EXPECT_EQ(batch_.at(page_), std::nullopt);
  page_.begun = 12;
  EXPECT_EQ(batch_.at(page_)->job, 6U);
  for (const std::uint64_t nonsense :
       {std::uint64_t{9}, std::uint64_t{13}, ~std::uint64_t{0}}) {
    page_.begun = nonsense;
    EXPECT_EQ(batch_.at(page_), std::nullopt);
    EXPECT_EQ(batch_.begun(page_), 0U);
  }
}

}  // namespace
}  // namespace tally::exec

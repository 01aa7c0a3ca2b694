// The state is the expression that made it, so a merge in another order or shape shows.
#include "runtime/merge/merge_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace tally::merge {
namespace {

void join(std::string& into, const std::string& from) {
  into = "(" + into + " " + from + ")";
}

using Tree = MergeTree<std::string>;

std::vector<std::uint32_t> upwards(std::uint32_t chunks) {
  std::vector<std::uint32_t> order(chunks);
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

std::string shape_of(const std::vector<std::uint32_t>& order) {
  Tree tree(static_cast<std::uint32_t>(order.size()), join);
  for (const std::uint32_t chunk : order) tree.add(chunk, std::to_string(chunk));
  return tree.take().value_or("nothing");
}

// The tree over `leaves`, as the header states it: the left child is the largest power
// of two of leaves that leaves something for the right one.
std::string expected_shape(std::uint32_t from, std::uint32_t leaves) {
  if (leaves == 1) return std::to_string(from);
  std::uint32_t left = 1;
  while (left * 2 < leaves) left *= 2;
  return "(" + expected_shape(from, left) + " " +
         expected_shape(from + left, leaves - left) + ")";
}

TEST(MergeTree, MergesNeighboursInPairs) {
  EXPECT_EQ(shape_of(upwards(1)), "0");
  EXPECT_EQ(shape_of(upwards(2)), "(0 1)");
  EXPECT_EQ(shape_of(upwards(3)), "((0 1) 2)");
  EXPECT_EQ(shape_of(upwards(5)), "(((0 1) (2 3)) 4)");
  EXPECT_EQ(shape_of(upwards(7)), "(((0 1) (2 3)) ((4 5) 6))");
}

TEST(MergeTree, HasOneShapeWhateverTheOrderOfArrival) {
  std::mt19937_64 random(20);
  for (std::uint32_t chunks = 1; chunks <= 40; ++chunks) {
    std::vector<std::uint32_t> order = upwards(chunks);
    const std::string expected = expected_shape(0, chunks);
    EXPECT_EQ(shape_of(order), expected);
    std::reverse(order.begin(), order.end());
    EXPECT_EQ(shape_of(order), expected);
    for (int again = 0; again < 20; ++again) {
      std::shuffle(order.begin(), order.end(), random);
      ASSERT_EQ(shape_of(order), expected) << chunks << " chunks";
    }
  }
}

TEST(MergeTree, HasOneShapeInAllOrdersOfSixChunks) {
  std::vector<std::uint32_t> order = upwards(6);
  do {
    ASSERT_EQ(shape_of(order), "(((0 1) (2 3)) (4 5))");
  } while (std::next_permutation(order.begin(), order.end()));
}

// A chunk is itself a tree over its 2^k leaves.
TEST(MergeTree, OverLeavesIsTheSameForAnyChunkSize) {
  for (std::uint32_t leaves = 1; leaves <= 40; ++leaves) {
    const std::string expected = expected_shape(0, leaves);
    for (std::uint32_t size = 1; size <= 64; size *= 2) {
      const std::uint32_t chunks = (leaves + size - 1) / size;
      Tree tree(chunks, join);
      for (std::uint32_t chunk = chunks; chunk-- > 0;) {
        const std::uint32_t first = chunk * size;
        tree.add(chunk, expected_shape(first, std::min(size, leaves - first)));
      }
      ASSERT_EQ(tree.take(), expected) << leaves << " leaves by " << size;
    }
  }
}

TEST(MergeTree, GivesNothingBeforeTheLastChunk) {
  for (std::uint32_t chunks = 2; chunks <= 17; ++chunks) {
    for (std::uint32_t missing = 0; missing < chunks; ++missing) {
      Tree tree(chunks, join);
      for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
        EXPECT_EQ(tree.take(), std::nullopt);
        if (chunk != missing) tree.add(chunk, std::to_string(chunk));
      }
      EXPECT_EQ(tree.take(), std::nullopt) << chunks << " without " << missing;
      tree.add(missing, std::to_string(missing));
      EXPECT_EQ(tree.take(), expected_shape(0, chunks));
    }
  }
}

TEST(MergeTree, OfNoChunksHasNoState) {
  Tree tree(0, join);
  EXPECT_EQ(tree.take(), std::nullopt);
}

TEST(MergeTree, IsEmptyOnceTaken) {
  Tree tree(1, join);
  tree.add(0, "0");
  EXPECT_EQ(tree.take(), "0");
  EXPECT_EQ(tree.take(), std::nullopt);
}

TEST(MergeTree, MergesStatesThatCanOnlyMove) {
  MergeTree<std::unique_ptr<int>> tree(
      3, [](auto& into, const auto& from) { *into = *into * 10 + *from; });
  for (const std::uint32_t chunk : {2U, 0U, 1U})
    tree.add(chunk, std::make_unique<int>(static_cast<int>(chunk) + 1));
  EXPECT_EQ(**tree.take(), 123);
}

using MergeTreeDeathTest = ::testing::Test;

TEST(MergeTreeDeathTest, AChunkAddedTwiceIsABug) {
  EXPECT_DEATH(
      {
        Tree tree(4, join);
        tree.add(2, "2");
        tree.add(2, "2");
      },
      "tally: bug");
}

TEST(MergeTreeDeathTest, AChunkThatIsNotThereIsABug) {
  EXPECT_DEATH(
      {
        Tree tree(4, join);
        tree.add(4, "4");
      },
      "tally: bug");
}

}  // namespace
}  // namespace tally::merge

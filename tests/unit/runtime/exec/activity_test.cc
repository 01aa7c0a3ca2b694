// Whether a slot got on, as its page tells.
#include "runtime/exec/activity.h"

#include <gtest/gtest.h>

namespace tally::exec {
namespace {

TEST(SlotProgressTest, EachWordThatTheExecutorWritesIsAMove) {
  ChunkPage page;
  page.advanced = 100;
  const SlotProgress before = SlotProgress::of(page);
  EXPECT_FALSE(SlotProgress::of(page).moved_since(before));
  const auto moves = [&](auto& word, auto value) {
    const auto old = word.exchange(value);
    EXPECT_TRUE(SlotProgress::of(page).moved_since(before));
    word.store(old);
  };
  moves(page.begun, 1U);
  moves(page.advanced, 101U);
  moves(page.stage, ChunkStage::Reading);
  moves(page.source_file, 1U);
  moves(page.call, KernelCall::Init);
  moves(page.first_row, 1U);
}

TEST(SlotProgressTest, WhatTheLoopWritesAsItGivesWorkIsNone) {
  ChunkPage page;
  page.begun = 3;
  page.advanced = 100;
  const SlotProgress before = SlotProgress::of(page);
  page.advanced = 0;
  page.called_off = 7;
  EXPECT_FALSE(SlotProgress::of(page).moved_since(before));
  page.begun = 4;
  EXPECT_TRUE(SlotProgress::of(page).moved_since(before));
}

}  // namespace
}  // namespace tally::exec

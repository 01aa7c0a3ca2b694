#include "ipc/model/job_id.h"

#include <gtest/gtest.h>

namespace tally::model {
namespace {

constexpr JobId kId{0x7f3a91c2004be810, 17};

TEST(JobId, IsShownWholeAndShort) {
  EXPECT_EQ(to_string(kId), "7f3a91c2004be810-17");
  EXPECT_EQ(short_name(kId), "7f3a-17");
  EXPECT_EQ(to_string(JobId{0x1, 2}), "0000000000000001-2");
}

TEST(JobId, BothFormsNameTheJob) {
  for (const auto* text : {"7f3a91c2004be810-17", "7f3a-17", "7-17", "7F3A-17"}) {
    const auto pattern = parse_job_id(text);
    ASSERT_TRUE(pattern) << text;
    EXPECT_TRUE(pattern->matches(kId)) << text;
  }
}

TEST(JobId, OtherTagsAndNumbersDoNotMatch) {
  for (const auto* text : {"7f3b-17", "7f3a-18", "f3a9-17", "7f3a91c2004be811-17"}) {
    const auto pattern = parse_job_id(text);
    ASSERT_TRUE(pattern) << text;
    EXPECT_FALSE(pattern->matches(kId)) << text;
  }
}

TEST(JobId, WhatHasAnotherFormIsNone) {
  for (const auto* text :
       {"", "-", "17", "-17", "7f3a-", "7f3a-x", "xyz-1", "7f3a -1", "7f3a-1 ",
        "7f3a--1", "0x7f-1", "7f3a91c2004be8100-17", "7f3a-99999999999999999999"})
    EXPECT_FALSE(parse_job_id(text)) << text;
}

}  // namespace
}  // namespace tally::model

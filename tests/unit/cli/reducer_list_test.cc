#include "client/cli/reducer_list.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/parsed.h"

namespace tally::cli {
namespace {

using Specs = std::vector<model::ReducerSpec>;

Specs reducers(std::string_view text, std::string_view column = "") {
  const Result<Specs> specs = parse_reducers(text, column);
  if (specs) return *specs;
  ADD_FAILURE() << specs.error().message();
  return {};
}

TEST(ReducerListTest, NamesAreTheirOwnLabels) {
  EXPECT_EQ(reducers("sum,mean"),
            (Specs{{"sum", {}, "", "sum"}, {"mean", {}, "", "mean"}}));
}

TEST(ReducerListTest, CommasInsideParenthesesDoNotSplit) {
  EXPECT_EQ(reducers("sum,quantile(0.5,0.99):temp=q,dot(price,qty)"),
            (Specs{{"sum", {}, "", "sum"},
                   {"quantile", {"0.5", "0.99"}, "temp", "q"},
                   {"dot", {"price", "qty"}, "", "dot(price,qty)"}}));
}

TEST(ReducerListTest, AResultIsCalledAsItWasWritten) {
  EXPECT_EQ(reducers("mean:temp_max,mean:temp_min"),
            (Specs{{"mean", {}, "temp_max", "mean:temp_max"},
                   {"mean", {}, "temp_min", "mean:temp_min"}}));
}

TEST(ReducerListTest, TheDefaultColumnIsForThoseWithoutOne) {
  EXPECT_EQ(reducers("sum,max:wind", "temp"),
            (Specs{{"sum", {}, "temp", "sum"}, {"max", {}, "wind", "max:wind"}}));
}

TEST(ReducerListTest, ColumnsMayHoldAlmostAnything) {
  EXPECT_EQ(reducers("sum:temp (C)")[0].column, "temp (C)");
  EXPECT_EQ(reducers("sum:f(a,b)")[0].column, "f(a,b)");
  EXPECT_EQ(reducers("sum:a:b")[0].column, "a:b");
  EXPECT_EQ(reducers("sum:\"Price, \"\"net\"\" = USD\"=p,min").size(), 2U);
  EXPECT_EQ(reducers("sum:\"Price, \"\"net\"\" = USD\"=p")[0],
            (model::ReducerSpec{"sum", {}, "Price, \"net\" = USD", "p"}));
  EXPECT_EQ(reducers("sum:3")[0].column, "3");
}

TEST(ReducerListTest, BlanksAroundThePartsDoNotCount) {
  EXPECT_EQ(reducers(" sum , mean ( 1 , 2 ) : t = a b "),
            (Specs{{"sum", {}, "", "sum"}, {"mean", {"1", "2"}, "t", "a b"}}));
}

TEST(ReducerListTest, MalformedListsAreRefused) {
  for (const char* text :
       {"",     ",",       "sum,",       ",sum",    "sum,,mean", "2sum", "data.csv",
        "sum(", "sum(1",   "sum(1))",    "sum()",   "sum(1,)",   "sum:", "sum:=x",
        "sum=", "sum:\"a", "sum:\"a\"b", "sum(1)x", "sum mean",  "--",   "a/b.csv"})
    EXPECT_EQ(code_of(parse_reducers(text, "")), "bad_reducer") << text;
}

TEST(ReducerListTest, TwoResultsMayNotHaveOneName) {
  EXPECT_EQ(code_of(parse_reducers("sum,sum", "")), "repeated_label");
  EXPECT_EQ(code_of(parse_reducers("sum:a=x,sum:b=x", "")), "repeated_label");
  EXPECT_EQ(reducers("sum,sum=again").size(), 2U);
}

}  // namespace
}  // namespace tally::cli

#include <gtest/gtest.h>

#include <limits>

#include "client/cli/answer_text.h"
#include "client/cli/progress_bar.h"
#include "client/cli/table.h"
#include "client/cli/terminal.h"
#include "client/cli/units.h"

namespace tally::cli {
namespace {

TEST(UnitsTest, TimesHaveThreeDigitsInTheUnitThatFits) {
  EXPECT_EQ(text_of_time(0), "0 ns");
  EXPECT_EQ(text_of_time(999), "999 ns");
  EXPECT_EQ(text_of_time(1'000), "1.00 us");
  EXPECT_EQ(text_of_time(21'340'000), "21.3 ms");
  EXPECT_EQ(text_of_time(999'999), "1.00 ms");
  EXPECT_EQ(text_of_time(1'500'000'000), "1.50 s");
  EXPECT_EQ(text_of_time(200'000'000'000), "3 min 20 s");
  EXPECT_EQ(text_of_time(7'260'000'000'000), "2 h 1 min");
}

TEST(UnitsTest, BytesCountsAndRates) {
  EXPECT_EQ(text_of_bytes(1023), "1023 B");
  EXPECT_EQ(text_of_bytes(1024), "1.00 KiB");
  EXPECT_EQ(text_of_bytes(1024 * 1024 - 1), "1.00 MiB");
  EXPECT_EQ(text_of_bytes(std::uint64_t{7} << 30), "7.00 GiB");
  EXPECT_EQ(text_of_count(7), "7");
  EXPECT_EQ(text_of_count(500'000'000), "500,000,000");
  EXPECT_EQ(text_of_count(std::numeric_limits<std::uint64_t>::max()),
            "18,446,744,073,709,551,615");
  EXPECT_EQ(text_of_rate(500'000'000, 20'000'000, false), "25.0 G elements/s");
  EXPECT_EQ(text_of_rate(1 << 20, 1'000'000'000, true), "1.00 MiB/s");
  EXPECT_EQ(text_of_rate(5, 0, false), "");
  EXPECT_EQ(text_of_number(1, "chunk"), "1 chunk");
  EXPECT_EQ(text_of_number(2, "chunk"), "2 chunks");
}

TEST(TableTest, ColumnsAreAlignedAndNothingTrails) {
  Table table;
  table.add({"a", "bbb", "c"});
  table.add({"\xC3\xA4\xC3\xA4", "", "d"});
  table.add({"e"});
  EXPECT_EQ(table.text(),
            "a   bbb  c\n"
            "\xC3\xA4\xC3\xA4       d\n"
            "e\n");
}

TEST(ProgressTest, SaysHowFarHowFastAndHowLong) {
  const model::JobProgress half{{}, 500'000'000, 1'000'000'000, false};
  EXPECT_EQ(text_of_progress(half, 1'000'000'000),
            "[===============>              ]  50 %  500 M elements/s  1.00 s left");
  const model::JobProgress none{{}, 0, 100, true};
  EXPECT_EQ(text_of_progress(none, 1'000'000'000),
            "[>                             ]   0 %");
  const model::JobProgress all{{}, 100, 100, true};
  EXPECT_EQ(text_of_progress(all, 1'000'000'000),
            "[==============================] 100 %  100 B/s  0 ns left");
}

TEST(AnswerTextTest, ResultsAreAlignedAndTheSummaryIsOneLine) {
  model::JobAnswer answer;
  answer.results.resize(2);
  answer.results[0].label = "sum";
  answer.results[0].value = Int128{6};
  answer.results[1].label = "mean:t";
  answer.results[1].value = 2.0;
  answer.elements = {5, 3, 1, 1};
  answer.path = model::Path::Process;
  answer.reason = "hint cpu";
  answer.workers = 2;
  answer.retries = 1;
  EXPECT_EQ(text_of_results(answer, false), "sum     6\nmean:t  2.0\n");
  EXPECT_EQ(text_of_summary(answer, 1'000'000),
            "5 elements (1 missing) (1 NaN skipped) in 1.00 ms, 5.00 k elements/s, "
            "process path "
            "(hint cpu), 2 workers, 1 retry");
}

}  // namespace
}  // namespace tally::cli

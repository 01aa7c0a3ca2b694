#include "runtime/account/process_state.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace tally::account {
namespace {

TEST(ProcessState, IsTheLetterBehindTheNameWhateverTheName) {
  EXPECT_EQ(state_in_stat("12 (tally-worker) T 1 2 3"), 'T');
  EXPECT_EQ(state_in_stat("12 (a) R (b) D 1 2 3"), 'D');
  EXPECT_EQ(state_in_stat("12 (cut"), '\0');
  EXPECT_EQ(state_in_stat("12 (cut)"), '\0');
  EXPECT_EQ(state_in_stat(""), '\0');
}

TEST(ProcessState, OfThisProcessIsThatItRuns) {
  EXPECT_EQ(process_state(static_cast<std::uint32_t>(::getpid())), 'R');
}

TEST(ProcessState, OfNoProcessIsNone) {
  EXPECT_EQ(process_state(0x7FFFFFFF), '\0');
}

}  // namespace
}  // namespace tally::account

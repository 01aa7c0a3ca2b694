// Growth: what an event costs the scheduler as jobs queue up and slots are added.
#pragma once

namespace tally::sched::test {

// Prints both tables. False if either grows faster than the logarithm: if an event
// among n costs more than 1 + log2(n) times what it costs among the fewest.
bool cost_grows_slowly();

}  // namespace tally::sched::test

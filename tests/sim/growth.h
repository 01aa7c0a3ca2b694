// Growth: what the scheduler costs as jobs queue up and slots are added.
#pragma once

namespace tally::sched::test {

// Prints both tables. False if either grows faster than the logarithm: if an event
// among n costs more than 1 + log2(n) times what it costs among the fewest.
bool cost_grows_slowly();

// Prints what each of 100,000 queued jobs takes. False if it is more than 1 KiB.
bool queued_jobs_are_small();

}  // namespace tally::sched::test

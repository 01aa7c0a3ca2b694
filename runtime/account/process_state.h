// The state of a process as the kernel's letter tells it (proc(5)): R runs, S sleeps,
// D waits for a device, T was stopped, t is traced, Z is dead.
#pragma once

#include <cstdint>
#include <string_view>

namespace tally::account {

// '\0' where there is no such process. Some ten microseconds.
char process_state(std::uint32_t pid);

// The letter in the text of /proc/PID/stat; '\0' if it has none.
char state_in_stat(std::string_view stat);

// "running", "stopped": the letter in words.
std::string_view state_word(char state);

}  // namespace tally::account

// Numbers for people: grouped, in units, in three digits. JSON never uses these.
#pragma once

#include <cstdint>
#include <string>

namespace tally::cli {

std::string text_of_count(std::uint64_t count);  // "500,000,000"
std::string text_of_time(std::uint64_t ns);      // "850 ns", "21.3 ms", "3 min 20 s"
std::string text_of_bytes(std::uint64_t bytes);  // "512 B", "7.25 MiB"
// So many a second: "23.4 G elements/s", "1.50 GiB/s".
std::string text_of_rate(std::uint64_t count, std::uint64_t ns, bool in_bytes);
// "3 workers", "1 worker".
std::string text_of_number(std::uint64_t count, const std::string& thing);

}  // namespace tally::cli

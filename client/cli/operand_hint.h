// What somebody may have meant whose operands cannot be what they stand for.
#pragma once

#include <span>
#include <string>

namespace tally::cli {

// For the file `name` among `operands` that is not there: numbers, or a column. Starts
// with "; "; empty if nothing suggests itself.
std::string missing_file_hint(const std::string& name,
                              std::span<const std::string> operands);

// Whether a word that is no list of reducers is the name of a file.
bool is_a_file(const std::string& word);

}  // namespace tally::cli

#include "client/cli/operand_hint.h"

#include <unistd.h>

#include <algorithm>

namespace tally::cli {
namespace {

constexpr std::size_t kMostShown = 40;  // of a hint's example

bool looks_like_numbers(const std::string& word) {
  return word.find_first_of("0123456789") != std::string::npos &&
         word.find_first_not_of("0123456789.,+-_eE") == std::string::npos;
}

std::string values_example(std::span<const std::string> operands) {
  std::string values;
  for (const std::string& word : operands)
    if (looks_like_numbers(word)) values += (values.empty() ? "" : ",") + word;
  return values.size() <= kMostShown ? values : "1,2,3";
}

}  // namespace

bool is_a_file(const std::string& word) {
  return ::access(word.c_str(), F_OK) == 0;
}

std::string missing_file_hint(const std::string& name,
                              std::span<const std::string> operands) {
  if (name.empty()) return "";
  if (looks_like_numbers(name))
    return "; numbers are given as --values " + values_example(operands);
  const std::size_t colon = name.rfind(':');
  if (colon != std::string::npos && is_a_file(name.substr(0, colon)))
    return "; a column goes with its reducer, as in sum" + name.substr(colon);
  const bool word = name.find_first_of("./") == std::string::npos;
  if (word && name.size() <= kMostShown && std::ranges::any_of(operands, is_a_file))
    return "; a column goes with its reducer, as in sum:" + name;
  return "";
}

}  // namespace tally::cli

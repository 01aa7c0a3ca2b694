// Parsed command lines and errors, for tests.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "client/cli/args.h"

namespace tally::cli {

inline Result<Args> parse(std::initializer_list<const char*> words) {
  return parse_args(std::vector<const char*>(words));
}

// The args of a line that must parse.
inline Args parsed(std::initializer_list<const char*> words) {
  Result<Args> args = parse(words);
  if (args) return *args;
  ADD_FAILURE() << args.error().message();
  return {};
}

template <typename T>
std::string message_of(const Result<T>& result) {
  return result ? "no error" : result.error().message();
}

template <typename T>
std::string code_of(const Result<T>& result) {
  return result ? "no error" : result.error().code();
}

}  // namespace tally::cli

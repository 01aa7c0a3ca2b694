// Reading a configuration file: TOML text in, Config out, strictly.
//
// An unknown table or key, a wrong type, a value out of range is a problem; all of
// them are found in one go, each with the place where it stands and what is accepted
// there. Only a syntax error hides what follows it. A key that is absent keeps its
// default; an empty file is the default configuration.
//
// Errors: never thrown, never an abort; whatever the file holds comes out as problems.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace tally::config {

struct Problem {
  std::string file;
  int line = 0;    // from 1; 0: the file as a whole (it cannot be read)
  int column = 0;  // from 1, in characters; 0 where line is 0
  std::string message;

  friend bool operator==(const Problem&, const Problem&) = default;
};

// "file:line:column: message", as compilers write it, or "file: message".
std::string to_string(const Problem& problem);

struct Loaded {
  Config config;  // the defaults unless `problems` is empty: never half a file
  std::vector<Problem> problems;  // in the order of the file
};

// Follows symbolic links; anything that can be read to its end will do, up to 1 MiB.
Loaded load_file(const std::string& path);

// `name` stands for the file in the problems.
Loaded load_text(std::string_view text, const std::string& name);

// Every key that is accepted, as "table.key", in the order of config.h.
std::vector<std::string> key_names();

}  // namespace tally::config

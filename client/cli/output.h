// Output: how a command tells of errors and prints its object.
#pragma once

#include <string>
#include <string_view>

#include "ipc/base/error.h"

namespace tally::cli {

void print(std::string_view text);       // to stdout
void print_line(std::string_view text);  // to stdout, with a newline

// "tally: message" on stderr, on one line.
void print_error(const Error& error);

// Tells of an error that ends the command, with `json` as an object on stdout too.
// Returns the exit code.
int report(const Error& error, bool json);

// Flushes stdout; false where what was printed could not be written, which is told on
// stderr unless the reader has gone away.
bool flush_output();

// Flushes stdout. Returns `exit_code`, or 1 where what was printed could not be
// written; a reader that has gone away needs no message.
int finish_output(int exit_code);

}  // namespace tally::cli

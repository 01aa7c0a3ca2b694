// cell_error: what is wrong with one cell of csv or number of text, for people and for
// programs.
#pragma once

#include <cstdint>
#include <string_view>

#include "ipc/base/error.h"
#include "ipc/model/element_type.h"
#include "runtime/source/csv_scanner.h"
#include "runtime/source/number_text.h"

namespace tally::source {

struct Cell {
  std::string_view file;
  std::uint64_t line = 0;    // from 1
  std::uint64_t column = 0;  // from 1
  model::ElementType type = model::ElementType::F64;
  const Field* field = nullptr;
  bool of_text = false;  // a word of the text format, which has no delimiters
};

// Precondition: `status` is not Ok. Class InvalidData; codes "missing_cell",
// "bad_number", "number_overflow", "inexact_integer"; fields file, line, column, text.
Error cell_error(NumberStatus status, const Cell& cell);

}  // namespace tally::source

#include "runtime/source/cell_error.h"

#include <string>

#include "runtime/source/excerpt.h"

namespace tally::source {
namespace {

std::string type_range(model::ElementType type) {
  return " of type " + std::string(model::name_of(type));
}

struct Told {
  const char* code;
  std::string message;
};

// What a person may have meant who sees commas where white space is expected.
std::string csv_hint(const Cell& cell, const std::string& text) {
  if (!cell.of_text || text.find_first_of(",;\"") == std::string::npos) return {};
  return "; text holds numbers between white space, columns are read with --format csv";
}

Told tell(NumberStatus status, const Cell& cell, const std::string& text) {
  const model::ElementType type = cell.type;
  const std::string quoted = '"' + text + '"';
  switch (status) {
    case NumberStatus::Missing:
      return {"missing_cell", std::string(cell.of_text ? "the number" : "the cell") +
                                  " is missing (" + (text.empty() ? "empty" : quoted) +
                                  "); --missing skip passes over such " +
                                  (cell.of_text ? "words" : "cells")};
    case NumberStatus::Overflow:
      return {"number_overflow", quoted + " is outside the range" + type_range(type)};
    case NumberStatus::Inexact:
      return {"inexact_integer", quoted + " cannot be held exactly by an element" +
                                     type_range(type) +
                                     "; --dtype i64 or --dtype u64 can hold integers"
                                     " of up to 64 bits"};
    case NumberStatus::Ok:
    case NumberStatus::NotANumber: break;
  }
  if (model::is_float(type))
    return {"bad_number", quoted + " is not a number" + csv_hint(cell, text)};
  return {"bad_number", quoted + " is not an integer" + type_range(type) +
                            ": digits with an optional sign are accepted, points and"
                            " exponents (5e8) are not" +
                            csv_hint(cell, text)};
}

}  // namespace

Error cell_error(NumberStatus status, const Cell& cell) {
  const std::string file(cell.file);
  // More than is shown need not be unescaped: a cell may have 16 MiB.
  Field shown = *cell.field;
  const std::string text =
      excerpt(shown.doubled ? unescaped(shown) : std::string(shown.text));
  Told told = tell(status, cell, text);
  return Error(Errc::InvalidData, told.code,
               file + ", line " + std::to_string(cell.line) + ", column " +
                   std::to_string(cell.column) + ": " + told.message)
      .with("file", file)
      .with("line", static_cast<std::int64_t>(cell.line))
      .with("column", static_cast<std::int64_t>(cell.column))
      .with("text", text);
}

}  // namespace tally::source

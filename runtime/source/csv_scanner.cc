#include "runtime/source/csv_scanner.h"

#include <algorithm>

#include "ipc/base/check.h"
#include "runtime/source/record_buffer.h"

namespace tally::source {
namespace {

Error at_line(std::string code, std::string_view file, std::uint64_t line,
              const std::string& what) {
  return Error(Errc::InvalidData, std::move(code),
               std::string(file) + ", line " + std::to_string(line) + ": " + what)
      .with("file", std::string(file))
      .with("line", static_cast<std::int64_t>(line));
}

}  // namespace

std::string unescaped(const Field& field) {
  std::string text;
  text.reserve(field.text.size());
  for (std::size_t at = 0; at < field.text.size(); ++at) {
    text += field.text[at];
    if (field.doubled && field.text[at] == '"') ++at;
  }
  return text;
}

Error scan_error(const Scan& scan, std::string_view file, std::uint64_t first_line) {
  const std::int64_t column = std::int64_t{scan.fields} + 1;
  const std::string where = "column " + std::to_string(column) + ": ";
  if (scan.status == ScanStatus::StrayQuote)
    return at_line("bad_csv", file, first_line,
                   where +
                       "a quote inside a field that is not quoted; quote the field "
                       "and double the quote")
        .with("column", column);
  if (scan.status == ScanStatus::TextAfterQuote)
    return at_line("bad_csv", file, first_line,
                   where +
                       "text after the closing quote; a delimiter or the end of the "
                       "line is expected there")
        .with("column", column);
  TALLY_CHECK(scan.status == ScanStatus::Unterminated);
  return at_line("unterminated_quote", file, first_line + scan.quote_lines,
                 where + "the quote that opens here is never closed")
      .with("column", column);
}

Error record_too_long(const Scan& scan, std::string_view file,
                      std::uint64_t first_line) {
  std::string what = "a record is longer than " +
                     std::to_string(kMaxRecordBytes >> 20U) + " MiB" +
                     ", the most that is accepted";
  if (scan.in_quotes)
    what += "; the quote that opens on line " +
            std::to_string(first_line + scan.quote_lines) + " may lack its end";
  return at_line("record_too_long", file, first_line, what)
      .with("limit", static_cast<std::int64_t>(kMaxRecordBytes));
}

namespace detail {
namespace {

// The quote that closes a field, nullptr if it is not in [at, end). A quote at the very
// end is taken as closing: the caller knows whether more may come.
const char* find_closing_quote(const char* at, const char* end,
                               bool& doubled) noexcept {
  while (at != end) {
    const auto* quote = static_cast<const char*>(
        std::memchr(at, '"', static_cast<std::size_t>(end - at)));
    if (quote == nullptr || quote + 1 == end || quote[1] != '"') return quote;
    doubled = true;
    at = quote + 2;
  }
  return nullptr;
}

}  // namespace

FieldScan scan_quoted(const char* at, const char* end, bool at_end, char delimiter,
                      std::uint64_t& lines) noexcept {
  FieldScan scan;
  const char* quote = find_closing_quote(at, end, scan.field.doubled);
  if (quote == nullptr) {
    if (at_end) scan.status = ScanStatus::Unterminated;
    return scan;
  }
  const char* after = quote + 1;
  if (after != end && *after == '\r' && (after + 1 == end || after[1] == '\n')) ++after;
  if (after == end && !at_end) return scan;
  scan.field.text = {at, static_cast<std::size_t>(quote - at)};
  scan.field.quoted = true;
  lines += static_cast<std::uint64_t>(std::count(at, quote, '\n'));
  scan.next = after == end ? end : after + 1;
  if (after == end || *after == '\n') {
    scan.stop = FieldStop::RecordEnd;
  } else if (*after == delimiter) {
    scan.stop = FieldStop::Delimiter;
  } else {
    scan.status = ScanStatus::TextAfterQuote;
  }
  return scan;
}

}  // namespace detail
}  // namespace tally::source

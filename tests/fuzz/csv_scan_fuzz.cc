// scan_record() finds the records and fields that a parser of one character at a time
// finds, and of a part of the text it says the same or NeedMore, never something else.
#include <string>
#include <vector>

#include "ipc/base/check.h"
#include "runtime/source/csv_scanner.h"
#include "tests/fuzz/input.h"

namespace {

using tally::source::Field;
using tally::source::Scan;
using tally::source::ScanStatus;

struct Record {
  ScanStatus status = ScanStatus::End;
  std::vector<std::string> fields;
  std::size_t bytes = 0;  // of Record and Blank only
  friend bool operator==(const Record&, const Record&) = default;
};

bool ends_record(std::string_view text, std::size_t at) {
  return at == text.size() || text[at] == '\n';
}

bool carriage_return_ends(std::string_view text, std::size_t at) {
  return at < text.size() && text[at] == '\r' && ends_record(text, at + 1);
}

// The field at `at`, which is moved to the delimiter or record end behind it. Anything
// but Record: what is wrong with it.
ScanStatus naive_field(std::string_view text, char delimiter, std::size_t& at,
                       std::string& field) {
  if (at == text.size() || text[at] != '"') {
    while (!ends_record(text, at) && text[at] != delimiter) {
      if (text[at] == '"') return ScanStatus::StrayQuote;
      field += text[at++];
    }
    const bool last = ends_record(text, at);
    if (last && field.ends_with('\r')) field.pop_back();
    return ScanStatus::Record;
  }
  for (++at;; ++at) {
    if (at == text.size()) return ScanStatus::Unterminated;
    if (text[at] == '"' && (at + 1 == text.size() || text[at + 1] != '"')) break;
    if (text[at] == '"') ++at;
    field += text[at];
  }
  ++at;
  if (carriage_return_ends(text, at)) ++at;
  return ends_record(text, at) || text[at] == delimiter ? ScanStatus::Record
                                                        : ScanStatus::TextAfterQuote;
}

Record naive(std::string_view text, char delimiter) {
  Record record;
  if (text.empty()) return record;
  const bool quoted = text.front() == '"';
  for (std::size_t at = 0;; ++at) {
    std::string field;
    record.status = naive_field(text, delimiter, at, field);
    if (record.status != ScanStatus::Record) return record;
    record.fields.push_back(std::move(field));
    if (!ends_record(text, at)) continue;
    record.bytes = at == text.size() ? at : at + 1;
    if (record.fields.size() == 1 && !quoted && record.fields.front().empty())
      record.status = ScanStatus::Blank;
    return record;
  }
}

Record scanned(std::string_view text, bool at_end, char delimiter) {
  Record record;
  const Scan scan = tally::source::scan_record(
      text, at_end, delimiter, [&](std::uint32_t index, const Field& field) {
        TALLY_CHECK(index == record.fields.size());
        TALLY_CHECK(field.text.data() >= text.data() &&
                    field.text.data() + field.text.size() <= text.data() + text.size());
        record.fields.push_back(tally::source::unescaped(field));
      });
  record.status = scan.status;
  TALLY_CHECK(scan.fields == record.fields.size() && scan.bytes <= text.size());
  if (scan.status == ScanStatus::Record || scan.status == ScanStatus::Blank)
    record.bytes = scan.bytes;
  return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tally::fuzz::Input input(data, size);
  const char delimiter = ",;\t|"[input.byte() % 4];
  const std::size_t cut = input.byte();
  std::string_view text = input.text();
  for (;;) {
    const Record whole = scanned(text, true, delimiter);
    TALLY_CHECK(whole == naive(text, delimiter));
    const Record part = scanned(text.substr(0, cut), false, delimiter);
    if (part.status != ScanStatus::NeedMore) TALLY_CHECK(part == whole);
    if (whole.bytes == 0) return 0;
    text.remove_prefix(whole.bytes);
  }
}

#include "runtime/source/csv_columns.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>
#include <optional>

#include "runtime/source/block_reader.h"
#include "runtime/source/csv_scanner.h"
#include "runtime/source/excerpt.h"
#include "runtime/source/inspect.h"
#include "runtime/source/record_buffer.h"

namespace tally::source {
namespace {

// A header record is short as a rule; longer ones make the reads grow.
constexpr std::size_t kHeaderReadBytes = 16 * 1024;
constexpr std::size_t kListedColumns = 20;
constexpr std::size_t kMaxNameBytes = 64;  // that a near miss is looked for in

// In the buffer's memory.
Result<FirstRecord> read_first_record(RecordBuffer& input, std::string_view file,
                                      char delimiter) {
  static constexpr std::string_view kMark = "\xEF\xBB\xBF";
  std::uint64_t line = 1;
  bool started = false;
  for (;;) {
    if (!started && (input.text().size() >= kMark.size() || input.at_end())) {
      if (input.text().starts_with(kMark)) input.consume(kMark.size());
      started = true;
    }
    Scan scan;  // NeedMore
    if (started)
      scan = scan_record(input.text(), input.at_end(), delimiter,
                         [](std::uint32_t, const Field&) {});
    if (scan.bytes > kMaxRecordBytes) return record_too_long(scan, file, line);
    switch (scan.status) {
      case ScanStatus::Record:
        return FirstRecord{input.text().substr(0, scan.bytes), scan.fields};
      case ScanStatus::End: return FirstRecord{};
      case ScanStatus::Blank:
        input.consume(scan.bytes);
        line += scan.lines;
        break;
      case ScanStatus::NeedMore: {
        auto read = input.refill();
        if (!read) return Error(std::move(read).error());
        break;
      }
      case ScanStatus::StrayQuote:
      case ScanStatus::TextAfterQuote:
      case ScanStatus::Unterminated: return scan_error(scan, file, line);
    }
  }
}

char lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

// Edits between two short names, letter case aside.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (lower(a[i]) != lower(b[j]));
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

class ColumnFinder {
 public:
  // The first two columns of a name.
  struct Places {
    std::optional<std::uint32_t> found;
    std::optional<std::uint32_t> again;
  };

  ColumnFinder(const FirstRecord& record, std::string_view file,
               const model::CsvDialect& dialect,
               const std::vector<std::string>& selectors)
      : record_(record), file_(file), dialect_(dialect) {
    for (const std::string& selector : selectors) wanted_.try_emplace(selector);
    // One pass for all of them: a header may be 16 MiB long.
    for_each_field([&](std::uint32_t place, const Field& field) {
      const auto at =
          field.doubled ? wanted_.find(unescaped(field)) : wanted_.find(field.text);
      if (at == wanted_.end()) return;
      if (!at->second.found)
        at->second.found = place;
      else if (!at->second.again)
        at->second.again = place;
    });
  }

  Result<std::uint32_t> find(const std::string& selector) const {
    if (selector == kNoColumnSelector) return kNoColumn;
    if (selector.empty()) {
      if (record_.fields <= 1) return std::uint32_t{0};
      return refused("column_needed", "",
                     "has several columns; name one, as in sum:COLUMN; " + listed());
    }
    if (dialect_.header) {
      if (record_.fields == 0)
        return refused("unknown_column", selector,
                       "no column \"" + excerpt(selector) + "\": the file is empty");
      auto named = find_named(selector);
      if (!named) return Error(std::move(named).error());
      if (*named) return **named;
    }
    const auto number = as_number(selector);
    if (number && *number >= 1 && (*number <= record_.fields || record_.fields == 0))
      return record_.fields == 0 ? std::uint32_t{0} : *number - 1;
    return unknown(selector);
  }

 private:
  template <typename Sink>
  void for_each_field(Sink&& sink) const {
    (void)scan_record(record_.text, true, dialect_.delimiter, sink);
  }

  Result<std::optional<std::uint32_t>> find_named(const std::string& selector) const {
    const Places& places = wanted_.at(selector);
    if (places.again)
      return refused("ambiguous_column", selector,
                     "columns " + std::to_string(*places.found + 1) + " and " +
                         std::to_string(*places.again + 1) + " are both named \"" +
                         excerpt(selector) + "\"; name one by its number");
    return places.found;
  }

  static std::optional<std::uint32_t> as_number(std::string_view text) {
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end) return std::nullopt;
    return number;
  }

  Error unknown(const std::string& selector) const {
    std::string what = "no column \"" + excerpt(selector) + '"';
    if (dialect_.header) {
      if (const std::string near = nearest(selector); !near.empty())
        what += "; did you mean \"" + near + "\"?";
      return refused("unknown_column", selector, what + "; " + listed());
    }
    return refused("unknown_column", selector,
                   what + "; without a header they are numbered 1 to " +
                       std::to_string(record_.fields));
  }

  // "there are: a, b, "c, d"" and, of many, how many more.
  std::string listed() const {
    if (!dialect_.header)
      return "they are numbered 1 to " + std::to_string(record_.fields);
    std::string names;
    for_each_field([&](std::uint32_t place, const Field& field) {
      if (place >= kListedColumns) return;
      if (place != 0) names += ", ";
      const Field start{field.text.substr(0, 2 * kExcerptBytes), true, field.doubled};
      const std::string name = excerpt(unescaped(start));
      const bool alone = name.find_first_of(",;=") == std::string::npos;
      names += alone ? name : '"' + name + '"';
    });
    if (record_.fields > kListedColumns)
      names += " and " + std::to_string(record_.fields - kListedColumns) + " more";
    return "there are: " + names;
  }

  std::string nearest(const std::string& selector) const {
    std::string best;
    std::size_t least = std::min<std::size_t>(2, selector.size() / 2) + 1;
    if (selector.size() > kMaxNameBytes) return best;
    for_each_field([&](std::uint32_t, const Field& field) {
      if (field.text.empty() || field.text.size() > kMaxNameBytes) return;
      const std::string name = unescaped(field);
      const std::size_t distance = edit_distance(selector, name);
      if (distance >= least) return;
      least = distance;
      best = excerpt(name);
    });
    return best;
  }

  Error refused(std::string code, const std::string& selector,
                const std::string& what) const {
    Error error =
        Error(Errc::InvalidArgument, std::move(code), std::string(file_) + ": " + what)
            .with("file", std::string(file_));
    if (!selector.empty()) error = std::move(error).with("column", excerpt(selector));
    return error;
  }

  const FirstRecord record_;
  const std::string_view file_;
  const model::CsvDialect dialect_;
  std::map<std::string, Places, std::less<>> wanted_;  // by selector
};

}  // namespace

Result<CsvColumns> find_csv_columns(int descriptor, std::uint64_t start,
                                    std::uint64_t size_bytes, std::string_view file,
                                    const model::CsvDialect& dialect,
                                    const std::vector<std::string>& selectors) {
  std::vector<std::byte> memory;
  RecordBuffer input(memory, kHeaderReadBytes);
  input.open(descriptor, start, size_bytes, file);
  const auto record = read_first_record(input, file, dialect.delimiter);
  if (!record) return Error(record.error());
  return csv_columns_of(*record, file, dialect, selectors);
}

Result<CsvColumns> csv_columns_of(const FirstRecord& record, std::string_view file,
                                  const model::CsvDialect& dialect,
                                  const std::vector<std::string>& selectors) {
  const ColumnFinder finder(record, file, dialect, selectors);
  CsvColumns columns;
  columns.fields = record.fields;
  for (const std::string& selector : selectors) {
    const auto place = finder.find(selector);
    if (!place) return Error(place.error());
    columns.places.push_back(*place);
  }
  return columns;
}

}  // namespace tally::source

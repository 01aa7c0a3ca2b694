// The records and fields of RFC 4180, over text in memory. Pure: no I/O, no state.
//
// Accepted: quoted fields with delimiters, line ends and doubled quotes inside; LF or
// CRLF, mixed; a last record without a line end; any byte but a quote in an unquoted
// field, NUL and a lone CR included. Refused: a quote inside an unquoted field, text
// after a closing quote, a quote that is never closed. A line without a byte on it is
// blank, which is not a record.
//
// Nothing is copied and nothing allocates: fields are views of the text. scan_record()
// looks at one record; where the text ends before the record does and more may come,
// it says NeedMore and is called again from the record's start with more text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#if defined(__SSE2__)
#include <emmintrin.h>

#include <bit>
#endif

#include "ipc/base/error.h"

namespace tally::source {

struct Field {
  std::string_view text;  // without the enclosing quotes, inner ones still doubled
  bool quoted = false;
  bool doubled = false;  // has doubled quotes
};

// The field as it was meant: doubled quotes single.
std::string unescaped(const Field& field);

enum class ScanStatus : std::uint8_t {
  Record,          // a whole record
  Blank,           // an empty line
  End,             // no text is left
  NeedMore,        // the record does not end in this text
  StrayQuote,      // a quote inside an unquoted field
  TextAfterQuote,  // a closing quote is not followed by delimiter or line end
  Unterminated,    // the input ends inside quotes
};

struct Scan {
  ScanStatus status = ScanStatus::NeedMore;
  std::uint32_t fields = 0;  // complete ones
  std::size_t bytes = 0;     // looked at; for Record and Blank: to be consumed
  std::uint64_t lines = 0;   // line ends in those bytes
  bool in_quotes = false;    // where the text ended or went wrong, quotes were open
  std::uint64_t quote_lines = 0;  // line ends before the last opening quote
};

// The Error that a scan which failed (its status is one of the last three) is told as.
// `first_line`: of the record, from 1.
Error scan_error(const Scan& scan, std::string_view file, std::uint64_t first_line);

// The Error for a record over kMaxRecordBytes.
Error record_too_long(const Scan& scan, std::string_view file,
                      std::uint64_t first_line);

namespace detail {

enum class FieldStop : std::uint8_t { Delimiter, RecordEnd, Other };

struct FieldScan {
  Field field;
  const char* next = nullptr;  // past the delimiter or line end
  FieldStop stop = FieldStop::Other;
  ScanStatus status = ScanStatus::NeedMore;  // for Other
};

// The first quote, delimiter or LF in [at, end); end if there is none.
inline const char* find_structural(const char* at, const char* end,
                                   char delimiter) noexcept {
#if defined(__SSE2__)
  const __m128i quotes = _mm_set1_epi8('"');
  const __m128i delimiters = _mm_set1_epi8(delimiter);
  const __m128i newlines = _mm_set1_epi8('\n');
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i found = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, quotes), _mm_cmpeq_epi8(bytes, delimiters)),
        _mm_cmpeq_epi8(bytes, newlines));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(found));
    if (mask != 0) return at + std::countr_zero(mask);
    at += 16;
  }
#endif
  while (at != end && *at != '"' && *at != delimiter && *at != '\n') ++at;
  return at;
}

inline FieldScan scan_plain(const char* at, const char* end, bool at_end,
                            char delimiter) noexcept {
  const char* stop = find_structural(at, end, delimiter);
  FieldScan scan;
  if (stop != end && *stop == delimiter) {
    scan.field.text = {at, static_cast<std::size_t>(stop - at)};
    scan.next = stop + 1;
    scan.stop = FieldStop::Delimiter;
    return scan;
  }
  if (stop == end && !at_end) return scan;
  if (stop != end && *stop == '"') {
    scan.next = stop + 1;
    scan.status = ScanStatus::StrayQuote;
    return scan;
  }
  scan.next = stop == end ? end : stop + 1;
  if (stop != at && stop[-1] == '\r') --stop;
  scan.field.text = {at, static_cast<std::size_t>(stop - at)};
  scan.stop = FieldStop::RecordEnd;
  return scan;
}

// `at` is past the opening quote. Adds the line ends inside to `lines`.
FieldScan scan_quoted(const char* at, const char* end, bool at_end, char delimiter,
                      std::uint64_t& lines) noexcept;

}  // namespace detail

// Looks at the record that `text` starts with. Calls sink(index, field) for each of
// its fields, also for those before the place where a scan fails or needs more.
//   at_end  nothing follows `text`
template <typename Sink>
Scan scan_record(std::string_view text, bool at_end, char delimiter, Sink&& sink) {
  using detail::FieldStop;
  Scan scan;
  const char* at = text.data();
  const char* const end = at + text.size();
  if (at == end) {
    if (at_end) scan.status = ScanStatus::End;
    return scan;
  }
  for (;;) {
    const bool quoted = at != end && *at == '"';
    if (quoted) scan.quote_lines = scan.lines;
    const detail::FieldScan found =
        quoted ? detail::scan_quoted(at + 1, end, at_end, delimiter, scan.lines)
               : detail::scan_plain(at, end, at_end, delimiter);
    if (found.stop == FieldStop::Other) {
      scan.status = found.status;
      scan.in_quotes = quoted;
      const char* seen = found.next == nullptr ? end : found.next;
      scan.bytes = static_cast<std::size_t>(seen - text.data());
      return scan;
    }
    sink(scan.fields, found.field);
    ++scan.fields;
    at = found.next;
    if (found.stop == FieldStop::Delimiter) continue;
    scan.bytes = static_cast<std::size_t>(at - text.data());
    scan.lines += at[-1] == '\n';
    const bool blank = scan.fields == 1 && !quoted && found.field.text.empty();
    scan.status = blank ? ScanStatus::Blank : ScanStatus::Record;
    return scan;
  }
}

}  // namespace tally::source

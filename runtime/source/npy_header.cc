#include "runtime/source/npy_header.h"

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/source/excerpt.h"

namespace tally::source {
namespace {

Error bad_npy(const std::string& what) {
  return Error(Errc::InvalidData, "bad_npy", what);
}

struct Layout {
  std::size_t text_begin = 0;
  std::size_t text_bytes = 0;
};

std::uint32_t little_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = value << 8U | std::to_integer<std::uint32_t>(bytes[i]);
  return value;
}

Result<Layout> layout_of(std::span<const std::byte> prefix) {
  static constexpr std::string_view kMagic = "\x93NUMPY";
  const std::string_view text(reinterpret_cast<const char*>(prefix.data()),
                              prefix.size());
  if (text.empty()) return bad_npy("is empty; an npy file has a header");
  if (!text.starts_with(kMagic))
    return bad_npy("not an npy file: it starts with \"" + excerpt(text.substr(0, 6)) +
                   "\", \"" + excerpt(kMagic) + "\" expected");
  if (prefix.size() < kNpyPrefixBytes)
    return bad_npy("truncated in its header: at least " +
                   std::to_string(kNpyPrefixBytes) + " bytes expected, " +
                   std::to_string(prefix.size()) + " found");
  const auto major = std::to_integer<unsigned>(prefix[6]);
  const auto minor = std::to_integer<unsigned>(prefix[7]);
  if (major < 1 || major > 3 || minor != 0)
    return bad_npy("npy version 1.0, 2.0 or 3.0 expected, " + std::to_string(major) +
                   "." + std::to_string(minor) + " found");
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t length = little_endian(prefix.subspan(8, length_bytes));
  if (length > kMaxNpyHeaderBytes)
    return bad_npy("a header of at most " + std::to_string(kMaxNpyHeaderBytes) +
                   " bytes expected, one of " + std::to_string(length) + " found");
  return Layout{8 + length_bytes, length};
}

// What the header's dict says, before it is judged.
struct Fields {
  std::optional<std::string_view> descr;  // the text between the quotes
  std::optional<bool> fortran_order;
  std::optional<std::uint64_t> elements;  // the product of the shape
  std::vector<std::uint64_t> lengths;     // of the shape, but for those of 1
};

// A parser of the one Python dict literal that numpy writes; order, spacing and
// trailing commas are free.
class DictParser {
 public:
  explicit DictParser(std::string_view text) : text_(text) {}

  Result<Fields> parse() {
    if (!take('{')) return unexpected("'{'");
    while (!take('}')) {
      auto entry = parse_entry();
      if (!entry) return std::move(entry).error();
      if (take(',')) continue;
      if (!take('}')) return unexpected("',' or '}'");
      break;
    }
    skip_space();
    if (at_ != text_.size()) return unexpected("the end of the header");
    return fields_;
  }

 private:
  Result<void> parse_entry() {
    const auto key = take_string();
    if (!key) return unexpected("a key in quotes");
    if (!take(':')) return unexpected("':'");
    if (*key == "descr" && !fields_.descr) return parse_descr();
    if (*key == "fortran_order" && !fields_.fortran_order) return parse_order();
    if (*key == "shape" && !fields_.elements) return parse_shape();
    return bad_npy("the header has the key \"" + excerpt(*key) +
                   "\"; descr, fortran_order and shape are expected, once each");
  }

  Result<void> parse_descr() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[')
      return bad_npy("a structured dtype (" + excerpt(text_.substr(at_)) +
                     ") is not supported; an array of plain numbers is expected");
    fields_.descr = take_string();
    if (!fields_.descr) return unexpected("a dtype in quotes");
    return {};
  }

  Result<void> parse_order() {
    const bool is_true = take_word("True");
    if (!is_true && !take_word("False")) return unexpected("True or False");
    fields_.fortran_order = is_true;
    return {};
  }

  Result<void> parse_shape() {
    if (!take('(')) return unexpected("a shape in parentheses");
    std::uint64_t product = 1;
    bool empty = false;  // a 0 makes any product 0, but must not hide an overflow
    while (!take(')')) {
      const auto length = take_number();
      if (!length) return unexpected("a length of the shape, below 2^64");
      if (*length > 1) fields_.lengths.push_back(*length);
      if (*length == 0) {
        empty = true;
      } else if (__builtin_mul_overflow(product, *length, &product)) {
        return bad_npy("the shape has more elements than 2^64");
      }
      if (take(',')) continue;
      if (!take(')')) return unexpected("',' or ')'");
      break;
    }
    fields_.elements = empty ? 0 : product;
    return {};
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' ||
                                  text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  bool take(char byte) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != byte) return false;
    ++at_;
    return true;
  }

  bool take_word(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::optional<std::string_view> take_string() {
    skip_space();
    if (at_ == text_.size()) return std::nullopt;
    const char quote = text_[at_];
    if (quote != '\'' && quote != '"') return std::nullopt;
    const auto close = text_.find(quote, at_ + 1);
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view inner = text_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    return inner;
  }

  std::optional<std::uint64_t> take_number() {
    skip_space();
    std::uint64_t value = 0;
    const std::size_t begin = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
      if (__builtin_mul_overflow(value, std::uint64_t{10}, &value) ||
          __builtin_add_overflow(value, digit, &value))
        return std::nullopt;
    }
    if (at_ == begin) return std::nullopt;
    // Python 2 wrote long integers as 3L.
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;
    return value;
  }

  Error unexpected(const std::string& expected) {
    skip_space();
    const std::string_view rest = text_.substr(at_);
    return bad_npy(expected + " expected in the header, " +
                   (rest.empty() ? "its end" : '"' + excerpt(rest, 20) + '"') +
                   " found");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Fields fields_;
};

std::string_view kind_of(char letter) {
  switch (letter) {
    case 'O': return "Python objects";
    case 'c': return "complex numbers";
    case 'S':
    case 'a': return "byte strings";
    case 'U': return "strings";
    case 'V': return "raw records";
    case 'M': return "dates";
    case 'm': return "time spans";
    default: return "an unknown kind of element";
  }
}

Result<model::ElementType> type_of(std::string_view descr) {
  using model::ElementType;
  static constexpr std::string_view kSupported =
      "; i1, i2, i4, i8, u1, u2, u4, u8, f4, f8 and b1, little-endian, are supported";
  const std::string found = "dtype '" + excerpt(descr) + "'";
  const bool has_order = !descr.empty() && std::string_view("<>|=").find(
                                               descr.front()) != std::string_view::npos;
  const std::string_view name = has_order ? descr.substr(1) : descr;
  struct Row {
    std::string_view name;
    ElementType type;
  };
  static constexpr Row kTypes[] = {
      {"i1", ElementType::I8},  {"i2", ElementType::I16}, {"i4", ElementType::I32},
      {"i8", ElementType::I64}, {"u1", ElementType::U8},  {"u2", ElementType::U16},
      {"u4", ElementType::U32}, {"u8", ElementType::U64}, {"f4", ElementType::F32},
      {"f8", ElementType::F64}, {"b1", ElementType::U8},
  };
  for (const Row& row : kTypes) {
    if (row.name != name) continue;
    if (has_order && descr.front() == '>' && model::size_of(row.type) > 1)
      return bad_npy(found + " is big-endian" + std::string(kSupported));
    return row.type;
  }
  if (name.empty() || name.front() == 'i' || name.front() == 'u' || name.front() == 'f')
    return bad_npy(found + " is not supported" + std::string(kSupported));
  return bad_npy(found + " (" + std::string(kind_of(name.front())) +
                 ") is not supported" + std::string(kSupported));
}

std::string layout_text(const Fields& fields) {
  if (fields.elements == 0) return "";
  std::string text = "(";
  for (const std::uint64_t length : fields.lengths)
    text += (text.size() == 1 ? "" : ", ") + std::to_string(length);
  const bool any_order = fields.lengths.size() < 2;
  return text + (any_order || !*fields.fortran_order ? ")" : ") in Fortran order");
}

}  // namespace

Result<std::size_t> npy_header_bytes(std::span<const std::byte> prefix) {
  const auto layout = layout_of(prefix);
  if (!layout) return Error(layout.error());
  return layout->text_begin + layout->text_bytes;
}

Result<NpyHeader> parse_npy_header(std::span<const std::byte> bytes) {
  const auto layout = layout_of(bytes);
  if (!layout) return Error(layout.error());
  const std::size_t total = layout->text_begin + layout->text_bytes;
  if (bytes.size() < total)
    return bad_npy("truncated in its header: " + std::to_string(total) +
                   " bytes expected, " + std::to_string(bytes.size()) + " found");
  const std::string_view text(
      reinterpret_cast<const char*>(bytes.data()) + layout->text_begin,
      layout->text_bytes);
  const auto fields = DictParser(text).parse();
  if (!fields) return Error(fields.error());
  if (!fields->descr || !fields->fortran_order || !fields->elements)
    return bad_npy("the header lacks one of descr, fortran_order and shape");
  const auto type = type_of(*fields->descr);
  if (!type) return Error(type.error());
  constexpr auto kLargestFile =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (*fields->elements > (kLargestFile - total) / model::size_of(*type))
    return bad_npy("the shape has " + std::to_string(*fields->elements) +
                   " elements, more than any file can hold");
  return NpyHeader{*type, *fields->elements, total, layout_text(*fields)};
}

}  // namespace tally::source

#include "client/cli/reducer_list.h"

#include <string>
#include <utility>

namespace tally::cli {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Error bad_reducer(std::string_view item, std::string_view why) {
  std::string message = "\"";
  message.append(item).append("\": ").append(why);
  message += "; write name[(args)][:column][=label], such as mean:temp";
  return Error(Errc::InvalidArgument, "bad_reducer", std::move(message))
      .with("reducer", std::string(item));
}

// Where the part of `text` that starts at `from` ends: at the first of `stops`
// outside parentheses and double quotes. npos: something was not closed.
std::size_t end_of_part(std::string_view text, std::size_t from,
                        std::string_view stops) {
  int depth = 0;
  bool in_quotes = false;
  for (std::size_t at = from; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') in_quotes = !in_quotes;
    if (in_quotes) continue;
    if (depth == 0 && stops.find(c) != std::string_view::npos) return at;
    if (c == '(') ++depth;
    if (c == ')' && depth > 0) --depth;
  }
  return depth == 0 && !in_quotes ? text.size() : std::string_view::npos;
}

// "a, ""b""" -> a, "b"; none if text follows the closing quote.
Result<std::string> unquoted(std::string_view text, std::string_view item) {
  if (text.empty() || text[0] != '"') return std::string(text);
  std::string result;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] != '"') {
      result += text[at];
    } else if (at + 1 < text.size() && text[at + 1] == '"') {
      result += '"';
      ++at;
    } else if (at + 1 == text.size()) {
      return result;
    } else {
      break;
    }
  }
  return bad_reducer(item, "text after the closing quote of the column");
}

// Takes "(a,b)" off the front of `rest`.
Result<std::vector<std::string>> take_arguments(std::string_view& rest,
                                                std::string_view item) {
  std::vector<std::string> args;
  if (rest.empty() || rest[0] != '(') return args;
  std::size_t from = 1;
  for (;;) {
    const std::size_t end = end_of_part(rest, from, ",)");
    if (end >= rest.size()) return bad_reducer(item, "its parenthesis is not closed");
    const std::string_view arg = trimmed(rest.substr(from, end - from));
    if (arg.empty()) return bad_reducer(item, "an argument is empty");
    args.emplace_back(arg);
    from = end + 1;
    if (rest[end] == ')') break;
  }
  rest = trimmed(rest.substr(from));
  return args;
}

// Takes ":column" off the front of `rest`.
Result<std::string> take_column(std::string_view& rest, std::string_view item) {
  if (rest.empty() || rest[0] != ':') return std::string();
  const std::size_t end = end_of_part(rest, 1, "=");
  if (end == std::string_view::npos)
    return bad_reducer(item, "a parenthesis or quote is not closed");
  Result<std::string> column = unquoted(trimmed(rest.substr(1, end - 1)), item);
  if (!column) return column;
  if (column->empty()) return bad_reducer(item, "no column after the colon");
  rest = rest.substr(end);
  return column;
}

Result<model::ReducerSpec> parse_item(std::string_view item) {
  if (item.empty()) return bad_reducer(item, "a reducer is missing");
  std::size_t name_end = 0;
  while (name_end < item.size() &&
         (is_letter(item[name_end]) || (name_end > 0 && is_digit(item[name_end]))))
    ++name_end;
  if (name_end == 0) return bad_reducer(item, "is no reducer");

  model::ReducerSpec spec;
  spec.name = item.substr(0, name_end);
  std::string_view rest = trimmed(item.substr(name_end));
  Result<std::vector<std::string>> args = take_arguments(rest, item);
  if (!args) return args.error();
  spec.args = std::move(*args);
  Result<std::string> column = take_column(rest, item);
  if (!column) return column.error();
  spec.column = std::move(*column);

  if (rest.empty()) {
    spec.label = item;
  } else if (rest[0] == '=') {
    spec.label = trimmed(rest.substr(1));
    if (spec.label.empty()) return bad_reducer(item, "no label after the equals sign");
  } else {
    return bad_reducer(item, "is no reducer");
  }
  return spec;
}

}  // namespace

Result<std::vector<model::ReducerSpec>> parse_reducers(
    std::string_view text, std::string_view default_column) {
  std::vector<model::ReducerSpec> specs;
  for (std::size_t from = 0;;) {
    const std::size_t end = end_of_part(text, from, ",");
    if (end == std::string_view::npos)
      return bad_reducer(text.substr(from), "a parenthesis or quote is not closed");
    Result<model::ReducerSpec> spec =
        parse_item(trimmed(text.substr(from, end - from)));
    if (!spec) return spec.error();
    if (spec->column.empty()) spec->column = default_column;
    for (const model::ReducerSpec& other : specs)
      if (other.label == spec->label)
        return Error(Errc::InvalidArgument, "repeated_label",
                     "two results would be called \"" + spec->label +
                         "\"; name one of them: " + spec->label + "=other")
            .with("label", spec->label);
    specs.push_back(std::move(*spec));
    if (end == text.size()) return specs;
    from = end + 1;
  }
}

}  // namespace tally::cli

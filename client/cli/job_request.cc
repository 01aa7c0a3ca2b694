#include "client/cli/job_request.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "client/cli/input_files.h"
#include "client/cli/kernel_arg.h"
#include "client/cli/limit_arg.h"
#include "client/cli/number_arg.h"
#include "client/cli/operand_hint.h"
#include "client/cli/reducer_list.h"
#include "config/config.h"
#include "config/quantity.h"

namespace tally::cli {
namespace {

using model::FileFormat;

Error invalid(std::string code, std::string message) {
  return Error(Errc::InvalidArgument, std::move(code), std::move(message));
}

// A word that an option accepts, and what it stands for.
template <typename T>
struct Choice {
  std::string_view word;
  T value;
};

constexpr std::array<Choice<FileFormat>, 4> kFormats{{{"npy", FileFormat::Npy},
                                                      {"raw", FileFormat::Raw},
                                                      {"csv", FileFormat::Csv},
                                                      {"text", FileFormat::Text}}};
constexpr std::array<Choice<bool>, 2> kYesNo{{{"yes", true}, {"no", false}}};
constexpr std::array<Choice<bool>, 1> kRequirements{{{"isolated", true}}};
constexpr std::array<Choice<model::Hint>, 3> kHints{
    {{"cpu", model::Hint::Cpu}, {"io", model::Hint::Io}, {"auto", model::Hint::Auto}}};
constexpr std::array<Choice<model::Path>, 2> kPaths{
    {{"thread", model::Path::Thread}, {"process", model::Path::Process}}};
constexpr std::array<Choice<model::MissingPolicy>, 2> kMissing{
    {{"error", model::MissingPolicy::Error}, {"skip", model::MissingPolicy::Skip}}};
constexpr std::array<Choice<model::NanPolicy>, 3> kNans{
    {{"propagate", model::NanPolicy::Propagate},
     {"skip", model::NanPolicy::Skip},
     {"error", model::NanPolicy::Error}}};
constexpr std::array<Choice<model::FailurePolicy>, 2> kFailurePolicies{
    {{"fail", model::FailurePolicy::Fail}, {"partial", model::FailurePolicy::Partial}}};

Error not_a_choice(Option option, std::string_view word,
                   std::span<const std::string_view> accepted) {
  std::string message = std::string(info_of(option).name) + " \"";
  message += std::string(word) + "\" is not known; it takes ";
  for (std::size_t at = 0; at < accepted.size(); ++at) {
    if (at != 0) message += at + 1 == accepted.size() ? " or " : ", ";
    message += accepted[at];
  }
  return invalid("bad_option", message + did_you_mean(word, accepted));
}

// Sets `into` where the option was given.
template <typename T, std::size_t N>
Result<void> choose(const Args& args, Option option,
                    const std::array<Choice<T>, N>& choices, T& into) {
  const std::optional<std::string_view> word = args.value(option);
  if (!word) return {};
  std::array<std::string_view, N> accepted;
  for (std::size_t at = 0; at < N; ++at) {
    if (choices[at].word == *word) {
      into = choices[at].value;
      return {};
    }
    accepted[at] = choices[at].word;
  }
  return not_a_choice(option, *word, accepted);
}

Result<std::optional<model::ElementType>> type_of(const Args& args) {
  const std::optional<std::string_view> word = args.value(Option::Dtype);
  if (!word) return std::optional<model::ElementType>();
  const auto type = model::parse_element_type(*word);
  if (type) return type;
  std::vector<std::string_view> names;
  for (std::uint8_t n = 1; n <= model::kLastElementType; ++n)
    names.push_back(model::name_of(static_cast<model::ElementType>(n)));
  return not_a_choice(Option::Dtype, *word, names);
}

// --- sources ----------------------------------------------------------------------

Result<void> refuse_options(const Args& args, OptionSet options, std::string_view why) {
  for (const OptionInfo& info : all_options())
    if (options.has(info.option) && args.has(info.option))
      return invalid("option_does_not_apply",
                     std::string(info.name) + " does not apply: " + std::string(why));
  return {};
}

constexpr OptionSet kCsvOptions{Option::Delimiter, Option::Header};
constexpr OptionSet kFileOptions{Option::Delimiter, Option::Header, Option::Format,
                                 Option::Missing};

Result<model::Source> range_source(const Args& args) {
  const Result<void> applies = refuse_options(args, kFileOptions, "a range is no file");
  if (!applies) return applies.error();
  const Result<std::optional<model::ElementType>> type = type_of(args);
  if (!type) return type.error();
  if (*type && **type != model::ElementType::I64)
    return invalid("option_does_not_apply",
                   "--dtype does not apply: a range is of i64");
  const Result<model::RangeSource> range = parse_range(*args.value(Option::Range));
  if (!range) return range.error();
  return model::Source(*range);
}

Result<model::Source> values_source(const Args& args) {
  const Result<void> applies =
      refuse_options(args, kFileOptions, "--values are in no file");
  if (!applies) return applies.error();
  const Result<std::optional<model::ElementType>> type = type_of(args);
  if (!type) return type.error();
  model::ValuesSource source;
  source.type = type->value_or(model::ElementType::F64);
  Result<std::vector<std::byte>> bytes =
      parse_values(*args.value(Option::Values), source.type);
  if (!bytes) return bytes.error();
  source.bytes = std::move(*bytes);
  return model::Source(std::move(source));
}

Result<char> delimiter_of(const Args& args, char by_extension) {
  const std::optional<std::string_view> text = args.value(Option::Delimiter);
  if (!text) return by_extension;
  if (*text == "tab" || *text == "\\t") return '\t';
  const bool usable = text->size() == 1 &&
                      text->find_first_of("\"\r\n") == text->npos &&
                      static_cast<unsigned char>((*text)[0]) < 0x80;
  if (!usable)
    return invalid("bad_option",
                   "--delimiter \"" + std::string(*text) +
                       "\" is not one ASCII character; quotes and line ends cannot be "
                       "delimiters, and a tab is written 'tab'");
  return (*text)[0];
}

// What files hold whose names do not say it: the same as those whose names do; else
// columns if some are spoken of; else numbers between white space. A wrong guess ends
// in an error, never in an answer.
FileKind guess(const Args& args, std::span<const model::ReducerSpec> reducers,
               std::span<const std::string> names) {
  for (const std::string& name : names)
    if (const std::optional<FileKind> kind = kind_of_file(name)) return *kind;
  const bool columns = args.has(Option::Delimiter) || args.has(Option::Header) ||
                       std::ranges::any_of(reducers, [](const auto& reducer) {
                         return !reducer.column.empty() ||
                                (reducer.name == "dot" && !reducer.args.empty());
                       });
  return {columns ? FileFormat::Csv : FileFormat::Text, {}, ','};
}

// What one file is, by --format, by its extension, or by guess.
Result<FileKind> kind_of(const Args& args, const std::string& name,
                         const FileKind& guessed) {
  FileKind kind = kind_of_file(name).value_or(guessed);
  const std::string_view unreadable = unreadable_kind(name);
  if (!unreadable.empty() && !args.has(Option::Format))
    return invalid("unknown_format", name + ": " + std::string(unreadable));
  const Result<void> chosen = choose(args, Option::Format, kFormats, kind.format);
  if (!chosen) return chosen.error();
  if (kind.format != FileFormat::Raw) kind.type.reset();
  return kind;
}

// What all files are: they must agree.
Result<FileKind> common_kind(const Args& args,
                             std::span<const model::ReducerSpec> reducers,
                             std::span<const std::string> names) {
  const FileKind guessed = guess(args, reducers, names);
  Result<FileKind> common = kind_of(args, names.front(), guessed);
  if (!common) return common;
  for (const std::string& name : names.subspan(1)) {
    const Result<FileKind> kind = kind_of(args, name, guessed);
    if (!kind) return kind;
    const bool same =
        common->format == kind->format && common->type == kind->type &&
        (common->delimiter == kind->delimiter || args.has(Option::Delimiter));
    if (!same)
      return invalid("mixed_formats", names.front() + " and " + name +
                                          " are not of one kind; a job takes files of "
                                          "one format, type and delimiter");
  }
  return common;
}

Result<model::FilesSource> describe_files(const Args& args,
                                          std::span<const model::ReducerSpec> reducers,
                                          std::span<const std::string> names) {
  const Result<FileKind> kind = common_kind(args, reducers, names);
  if (!kind) return kind.error();
  const Result<std::optional<model::ElementType>> type = type_of(args);
  if (!type) return type.error();

  model::FilesSource source;
  source.format = kind->format;
  source.type = *type ? *type : kind->type;
  if (source.format == FileFormat::Raw && !source.type)
    return invalid("type_needed", names.front() +
                                      ": raw files do not say what they hold; give "
                                      "--dtype f64, i64, ...");
  if (source.format == FileFormat::Npy && source.type)
    return invalid("option_does_not_apply",
                   "--dtype does not apply: an npy file has its own");
  if (source.format == FileFormat::Npy || source.format == FileFormat::Raw) {
    const Result<void> applies = refuse_options(args, OptionSet{Option::Missing},
                                                "binary files have no missing cells");
    if (!applies) return applies.error();
  }
  if (source.format != FileFormat::Csv) {
    const Result<void> applies =
        refuse_options(args, kCsvOptions, "the files are not CSV");
    if (!applies) return applies.error();
  }
  const Result<void> header = choose(args, Option::Header, kYesNo, source.csv.header);
  if (!header) return header.error();
  const Result<char> delimiter = delimiter_of(args, kind->delimiter);
  if (!delimiter) return delimiter.error();
  source.csv.delimiter = *delimiter;
  return source;
}

// Opens one input of the job, for the daemon to read.
Result<model::FileEntry> add_input(const std::string& operand, JobRequest& request) {
  const bool standard = operand == "-";
  Result<InputFile> input = standard ? open_standard_input() : open_input(operand);
  if (!input) return input.error();
  const model::FileEntry entry{standard ? std::string(kStandardInput) : operand,
                               static_cast<std::uint32_t>(request.files.size()),
                               input->start_bytes};
  if (input->kind != InputKind::File) request.streams = true;
  if (input->kind == InputKind::Other) {
    if (::isatty(input->fd.get()) == 1) request.terminal = true;
    Result<StreamPump> pump = StreamPump::make(std::move(input->fd), entry.name);
    if (!pump) return pump.error();
    input->fd = pump->take_output();
    request.pumps.push_back(*std::move(pump));
  }
  request.files.push_back(std::move(input->fd));
  return entry;
}

// Looks at one of many inputs, which is opened again when the daemon asks for it.
Result<model::FileEntry> list_input(const std::string& operand, JobRequest& request) {
  const bool standard = operand == "-";
  const Result<InputFile> input =
      standard ? open_standard_input() : open_input(operand);
  if (!input) return input.error();
  const std::string name = standard ? std::string(kStandardInput) : operand;
  if (input->kind != InputKind::File)
    return invalid("no_stream",
                   name + ": of more than " + std::to_string(kMostAtOnce) +
                       " inputs each must be a regular file: a pipe, terminal or "
                       "socket cannot be opened again")
        .with("file", name);
  const std::string path = standard ? "/dev/stdin" : operand;
  if (Result<void> added = request.list->add(name, path, input->fd.get()); !added)
    return std::move(added).error();
  return model::FileEntry{name, 0, input->start_bytes};
}

Result<model::Source> files_source(const Args& args, std::span<const std::string> names,
                                   JobRequest& request) {
  if (names.size() > client::kMostFiles)
    return invalid("too_many_files", std::to_string(names.size()) +
                                         " files are named; a job takes at most " +
                                         std::to_string(client::kMostFiles));
  if (std::ranges::count(names, "-") > 1)
    return invalid("same_stream", "- is named twice; standard input can be read once");
  // Kernels ride in the same frame.
  const bool windowed = names.size() + count_kernels(args) > kMostAtOnce;
  if (windowed) request.list = std::make_shared<client::FileList>();
  // Opened first: a name with a typing error should hear that it is not there.
  std::vector<model::FileEntry> entries;
  for (const std::string& name : names) {
    Result<model::FileEntry> entry =
        windowed ? list_input(name, request) : add_input(name, request);
    if (!entry) return entry.error();
    entries.push_back(*std::move(entry));
  }
  Result<model::FilesSource> source =
      describe_files(args, request.spec.reducers, names);
  if (!source) return source.error();
  source->files = std::move(entries);
  source->windowed = windowed;
  return model::Source(std::move(*source));
}

Result<model::Source> build_source(const Args& args, JobRequest& request) {
  const std::span<const std::string> names = std::span(args.operands).subspan(1);
  const int given = int{args.has(Option::Range)} + int{args.has(Option::Values)} +
                    int{!names.empty()};
  if (given == 0)
    return invalid("no_source",
                   "nothing to reduce; give --range START:STOP, --values "
                   "1,2,3 or the names of files");
  if (given > 1)
    return invalid("several_sources",
                   "more than one source; give one of --range, --values and files");
  if (args.has(Option::Range)) return range_source(args);
  if (args.has(Option::Values)) return values_source(args);
  return files_source(args, names, request);
}

// --- limits -----------------------------------------------------------------------

// 0 where the option was not given.
Result<std::uint64_t> count_of(const Args& args, Option option, std::uint64_t most) {
  const std::optional<std::string_view> text = args.value(option);
  if (!text) return std::uint64_t{0};
  return parse_count(*text, info_of(option).name, most);
}

// A step counts as a second of waiting: beyond this it would be for ever.
constexpr std::int64_t kMostPriority = 1000;

Result<void> read_limits(const Args& args, model::JobSpec& spec) {
  const Result<std::uint64_t> workers =
      count_of(args, Option::Workers, config::kMostWorkers);
  if (!workers) return workers.error();
  spec.workers = static_cast<std::uint32_t>(*workers);
  const Result<std::uint64_t> chunk =
      count_of(args, Option::Chunk, std::numeric_limits<std::int64_t>::max());
  if (!chunk) return chunk.error();
  spec.chunk_size = *chunk;
  if (const std::optional<std::string_view> tokens = args.value(Option::Limit)) {
    Result<std::vector<model::TokenLimit>> limits = parse_limits(*tokens);
    if (!limits) return std::move(limits).error();
    spec.limits = *std::move(limits);
  }
  if (const std::optional<std::string_view> text = args.value(Option::Priority)) {
    const Result<std::int64_t> priority = parse_i64(*text, "--priority");
    if (!priority) return priority.error();
    if (*priority < -kMostPriority || *priority > kMostPriority)
      return invalid("bad_option", "--priority is from " +
                                       std::to_string(-kMostPriority) + " to " +
                                       std::to_string(kMostPriority) + ", not " +
                                       std::to_string(*priority));
    spec.priority = static_cast<std::int32_t>(*priority);
  }
  const std::optional<std::string_view> timeout = args.value(Option::Timeout);
  if (!timeout) return {};
  Result<std::chrono::nanoseconds> duration = config::parse_duration(*timeout);
  if (!duration) return std::move(duration).error().within("--timeout");
  if (duration->count() == 0)
    return invalid("bad_option",
                   "--timeout 0 leaves no time; leave it out for no limit");
  spec.timeout_ns = static_cast<std::uint64_t>(duration->count());
  return {};
}

Result<void> read_choices(const Args& args, model::JobSpec& spec) {
  Result<void> read = choose(args, Option::Hint, kHints, spec.hint);
  if (read) read = choose(args, Option::Path, kPaths, spec.path);
  if (read) read = choose(args, Option::Require, kRequirements, spec.require_isolated);
  if (read) read = choose(args, Option::Missing, kMissing, spec.missing);
  if (read) read = choose(args, Option::Nan, kNans, spec.nan);
  if (read) read = choose(args, Option::OnFailure, kFailurePolicies, spec.on_failure);
  if (read && spec.require_isolated && spec.path == model::Path::Thread)
    return invalid("bad_option",
                   "--require isolated and --path thread exclude each other; threads "
                   "run in the daemon");
  return read;
}

// --- what was meant ---------------------------------------------------------------

Error no_reducers(const Error& error, const Args& args) {
  const std::string& word = args.operands[0];
  if (error.code() != "bad_reducer" || !is_a_file(word)) return error;
  return invalid("bad_reducer", word +
                                    " is a file; reducers come first, as in: tally " +
                                    args.verb + " sum " + word)
      .with("reducer", word);
}

Error no_source(const Error& error, const Args& args) {
  if (error.code() != "file_not_found") return error;
  const auto& name = std::get<std::string>(*error.field("file"));
  const std::string hint = missing_file_hint(name, std::span(args.operands).subspan(1));
  return invalid(error.code(), error.message() + hint).with("file", name);
}

}  // namespace

std::vector<int> JobRequest::descriptors() const {
  std::vector<int> fds;
  for (const UniqueFd& file : files) fds.push_back(file.get());
  return fds;
}

client::FileOpener JobRequest::opener() const {
  if (!list) return {};
  return [files = list](std::uint32_t file) { return files->open(file); };
}

bool JobRequest::reads(int file) const {
  return list && list->has(file);
}

void JobRequest::start_pumps() {
  for (StreamPump& pump : pumps) pump.start();
}

Result<void> JobRequest::pumped() const {
  for (const StreamPump& pump : pumps)
    if (Result<void> failure = pump.failure(); !failure) return failure;
  return {};
}

Result<JobRequest> build_job(const Args& args) {
  if (args.operands.empty())
    return invalid("no_reducers", "no reducers; for example: tally " + args.verb +
                                      " sum --range 0:1000");
  JobRequest request;
  if (args.has(Option::Column) && args.value(Option::Column)->empty())
    return invalid("bad_option", "--column \"\" names no column");
  Result<std::vector<model::ReducerSpec>> reducers =
      parse_reducers(args.operands[0], args.value(Option::Column).value_or(""));
  if (!reducers) return no_reducers(reducers.error(), args);
  request.spec.reducers = std::move(*reducers);
  Result<void> read = read_choices(args, request.spec);
  if (read) read = read_limits(args, request.spec);
  if (!read) return read.error();
  Result<model::Source> source = build_source(args, request);
  if (!source) return no_source(source.error(), args);
  request.spec.source = std::move(*source);
  if (Result<void> added = add_kernels(args, request); !added)
    return std::move(added).error();
  return request;
}

}  // namespace tally::cli

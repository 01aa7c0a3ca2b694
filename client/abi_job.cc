// The C ABI: building a job.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string_view>
#include <variant>

#include "client/abi_types.h"
#include "ipc/frame.h"

namespace tally::client {
namespace {

using model::ElementType;
using model::FileFormat;

// A C number as an enumerator in [first, last].
template <typename Enum>
Result<Enum> checked(std::int32_t number, Enum first, Enum last, const char* what) {
  if (number < static_cast<std::int32_t>(first) ||
      number > static_cast<std::int32_t>(last))
    return Error(Errc::InvalidArgument, "bad_enum",
                 std::string(what) + " has no number " + std::to_string(number));
  return static_cast<Enum>(number);
}

// Runs `change(*job)` behind the boundary.
template <typename F>
tally_status edit(tally_job* job, tally_error** error, F&& change) noexcept {
  return boundary(error, [&]() -> Result<void> {
    if (job == nullptr) return null_argument("job");
    return change(*job);
  });
}

// edit() for a field that takes one of an enumeration's values.
template <typename Enum>
tally_status edit_enum(tally_job* job, tally_error** error, std::int32_t number,
                       Enum first, Enum last, const char* what,
                       Enum model::JobSpec::*field) noexcept {
  return edit(job, error, [&](tally_job& to) -> Result<void> {
    const Result<Enum> value = checked(number, first, last, what);
    if (!value) return value.error();
    to.spec.*field = *value;
    return {};
  });
}

// Another source takes the place of the files.
void set_source(tally_job& job, model::Source source, std::vector<UniqueFd> fds) {
  job.source = std::move(source);
  job.files.files.clear();
  job.list = {};
  job.streams = false;
  job.fds = std::move(fds);
  job.copied = {};
}

Result<void> set_values(tally_job& job, tally_type number, const void* values,
                        std::size_t count) {
  const Result<ElementType> type = checked_type(number);
  if (!type) return type.error();
  if (values == nullptr && count > 0) return null_argument("values");
  const std::size_t size = model::size_of(*type);
  if (count > ipc::kMaxRequestBytes / size)
    return Error(Errc::InvalidArgument, "message_too_large",
                 "values travel in the request, which holds at most " +
                     std::to_string(ipc::kMaxRequestBytes) +
                     " bytes; pass a sealed memfd instead")
        .with("limit", std::int64_t{ipc::kMaxRequestBytes});
  std::vector<std::byte> bytes(count * size);
  if (count > 0) std::memcpy(bytes.data(), values, bytes.size());
  set_source(job, model::ValuesSource{*type, std::move(bytes)}, {});
  return {};
}

Result<UniqueFd> duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy && errno == EBADF)
    return Error(Errc::InvalidArgument, "bad_descriptor",
                 std::to_string(fd) + " is no open descriptor");
  if (!copy) return Error::from_errno("duplicating the array's descriptor");
  return copy;
}

Result<void> set_memory(tally_job& job, int fd, tally_type number, std::uint64_t offset,
                        std::uint64_t count) {
  const Result<ElementType> type = checked_type(number);
  if (!type) return type.error();
  Result<UniqueFd> copy = duplicate(fd);
  if (!copy) return std::move(copy).error();
  std::vector<UniqueFd> fds;
  fds.push_back(*std::move(copy));
  set_source(job, model::MemorySource{{*type, 0, offset, count}, {}}, std::move(fds));
  return {};
}

Result<void> pair_memory(tally_job& job, int fd, tally_type number,
                         std::uint64_t offset, std::uint64_t count) {
  const Result<ElementType> type = checked_type(number);
  if (!type) return type.error();
  auto* memory = job.source ? std::get_if<model::MemorySource>(&*job.source) : nullptr;
  if (memory == nullptr || memory->second)
    return Error(Errc::InvalidArgument, "dot_arrays",
                 memory == nullptr
                     ? "there is no array to pair with; set the first one first"
                     : "two arrays are paired already; set the first one again to "
                       "begin anew");
  Result<UniqueFd> copy = duplicate(fd);
  if (!copy) return std::move(copy).error();
  job.fds.push_back(*std::move(copy));
  memory->second = {*type, 1, offset, count};
  return {};
}

Error open_error(const std::string& path) {
  const int number = errno;
  if (number == ENOENT || number == ENOTDIR)
    return Error(Errc::NotFound, "no_such_file", "there is no file " + path)
        .with("file", path);
  if (number == EACCES || number == EPERM)
    return Error(Errc::PermissionDenied, "file_denied",
                 "the file " + path + " may not be read by this user")
        .with("file", path);
  errno = number;
  return Error::from_errno("opening " + path).with("file", path);
}

Result<UniqueFd> open_file(const std::string& path) {
  // Not blocking: a FIFO without a writer must not hold the caller.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return open_error(path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return open_error(path);
  if (S_ISDIR(info.st_mode))
    return Error(Errc::InvalidArgument, "is_directory",
                 path + " is a directory; name the files in it")
        .with("file", path);
  return fd;
}

FileFormat format_of(std::string_view path) {
  if (path.ends_with(".npy")) return FileFormat::Npy;
  if (path.ends_with(".txt")) return FileFormat::Text;
  if (path.ends_with(".raw") || path.ends_with(".bin")) return FileFormat::Raw;
  return FileFormat::Csv;
}

// Beyond what one frame carries, files are opened again when the daemon asks.
Result<void> keep_file(tally_job& job, const char* path, UniqueFd fd) {
  struct stat info {};
  const bool regular = ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode);
  job.streams = job.streams || !regular;
  if (job.streams && job.files.files.size() >= ipc::kMaxFrameDescriptors)
    return Error(Errc::InvalidArgument, "no_stream",
                 std::string(path) + ": of more than " +
                     std::to_string(ipc::kMaxFrameDescriptors) +
                     " files none may be a pipe or FIFO, which cannot be opened again")
        .with("file", path);
  if (Result<void> added = job.list.add(path, path, fd.get()); !added) return added;
  job.files.files.push_back({path, static_cast<std::uint32_t>(job.fds.size())});
  if (job.fds.size() < ipc::kMaxFrameDescriptors) job.fds.push_back(std::move(fd));
  return {};
}

Result<void> add_file(tally_job& job, const char* path) {
  if (path == nullptr) return null_argument("path");
  auto& files = job.files.files;
  if (files.size() >= kMostFiles)
    return Error(Errc::InvalidArgument, "too_many_files",
                 "a job takes at most " + std::to_string(kMostFiles) + " files")
        .with("limit", static_cast<std::int64_t>(kMostFiles));
  Result<UniqueFd> fd = open_file(path);
  if (!fd) return std::move(fd).error();
  if (job.source) {
    job.source.reset();
    job.fds.clear();
    job.copied = {};
  }
  if (files.empty() && !job.format_given) job.files.format = format_of(path);
  return keep_file(job, path, *std::move(fd));
}

Result<void> add_reducer(tally_job& job, const char* name, const char* const* args,
                         std::size_t arg_count, const char* column, const char* label) {
  if (name == nullptr) return null_argument("name");
  if (args == nullptr && arg_count > 0) return null_argument("args");
  if (*name == '\0')
    return Error(Errc::InvalidArgument, "no_reducer", "the reducer's name is empty");
  model::ReducerSpec reducer;
  reducer.name = name;
  for (std::size_t i = 0; i < arg_count; ++i) {
    if (args[i] == nullptr) return null_argument("an argument");
    reducer.args.emplace_back(args[i]);
  }
  if (column != nullptr) reducer.column = column;
  reducer.label = label == nullptr || *label == '\0' ? name : label;
  job.spec.reducers.push_back(std::move(reducer));
  return {};
}

// The last call for a name wins.
Result<void> set_limit(tally_job& job, const char* name, std::uint32_t count) {
  if (name == nullptr) return null_argument("name");
  std::vector<model::TokenLimit> limits = job.spec.limits;
  std::erase_if(limits, [&](const auto& limit) { return limit.name == name; });
  limits.push_back({name, count});
  if (Result<void> good = model::check_limits(limits); !good) return good;
  job.spec.limits = std::move(limits);
  return {};
}

bool is_delimiter(char c) {
  return c != '\0' && c != '"' && c != '\n' && c != '\r';
}

}  // namespace
}  // namespace tally::client

using namespace tally;          // NOLINT: entry points only, below
using namespace tally::client;  // NOLINT

extern "C" {

tally_status tally_job_new(tally_job** job, tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (job == nullptr) return null_argument("job");
    *job = new tally_job;
    return {};
  });
}

void tally_job_free(tally_job* job) {
  delete job;
}

tally_status tally_job_add_reducer(tally_job* job, const char* name, const char* column,
                                   const char* label, tally_error** error) {
  return tally_job_add_reducer_args(job, name, nullptr, 0, column, label, error);
}

tally_status tally_job_add_reducer_args(tally_job* job, const char* name,
                                        const char* const* args, size_t arg_count,
                                        const char* column, const char* label,
                                        tally_error** error) {
  return edit(job, error, [&](tally_job& to) {
    return add_reducer(to, name, args, arg_count, column, label);
  });
}

tally_status tally_job_set_range(tally_job* job, int64_t start, int64_t stop,
                                 int64_t step, tally_error** error) {
  return edit(job, error, [&](tally_job& to) -> Result<void> {
    if (step == 0)
      return Error(Errc::InvalidArgument, "bad_range", "a range's step is never 0");
    set_source(to, model::RangeSource{start, stop, step}, {});
    return {};
  });
}

tally_status tally_job_set_values(tally_job* job, tally_type type, const void* values,
                                  size_t count, tally_error** error) {
  return edit(job, error,
              [&](tally_job& to) { return set_values(to, type, values, count); });
}

tally_status tally_job_set_memory(tally_job* job, int fd, tally_type type,
                                  uint64_t offset, uint64_t count,
                                  tally_error** error) {
  return edit(job, error,
              [&](tally_job& to) { return set_memory(to, fd, type, offset, count); });
}

tally_status tally_job_pair_memory(tally_job* job, int fd, tally_type type,
                                   uint64_t offset, uint64_t count,
                                   tally_error** error) {
  return edit(job, error,
              [&](tally_job& to) { return pair_memory(to, fd, type, offset, count); });
}

tally_status tally_job_add_file(tally_job* job, const char* path, tally_error** error) {
  return edit(job, error, [&](tally_job& to) { return add_file(to, path); });
}

tally_status tally_job_set_format(tally_job* job, tally_format format,
                                  tally_error** error) {
  return edit(job, error, [&](tally_job& to) -> Result<void> {
    const auto value = checked(format, FileFormat::Npy, FileFormat::Text, "a format");
    if (!value) return value.error();
    to.files.format = *value;
    to.format_given = true;
    return {};
  });
}

tally_status tally_job_set_dtype(tally_job* job, tally_type type, tally_error** error) {
  return edit(job, error, [&](tally_job& to) -> Result<void> {
    const Result<ElementType> value = checked_type(type);
    if (!value) return value.error();
    to.files.type = *value;
    return {};
  });
}

tally_status tally_job_set_csv(tally_job* job, char delimiter, int header,
                               tally_error** error) {
  return edit(job, error, [&](tally_job& to) -> Result<void> {
    if (!is_delimiter(delimiter))
      return Error(Errc::InvalidArgument, "bad_delimiter",
                   "a delimiter is one character, and no quote, line end or NUL");
    to.files.csv = {delimiter, header != 0};
    return {};
  });
}

tally_status tally_job_set_hint(tally_job* job, tally_hint hint, tally_error** error) {
  return edit_enum(job, error, hint, model::Hint::Auto, model::Hint::Io, "a hint",
                   &model::JobSpec::hint);
}

tally_status tally_job_set_path(tally_job* job, tally_path path, tally_error** error) {
  if (path == TALLY_PATH_INLINE)
    return fail(error, Error(Errc::InvalidArgument, "bad_enum",
                             "a job cannot ask for the inline path; leave it to any"));
  return edit_enum(job, error, path, model::Path::Any, model::Path::Process, "a path",
                   &model::JobSpec::path);
}

tally_status tally_job_set_workers(tally_job* job, uint32_t workers,
                                   tally_error** error) {
  return edit(job, error, [&](tally_job& to) -> Result<void> {
    to.spec.workers = workers;
    return {};
  });
}

tally_status tally_job_set_chunk_size(tally_job* job, uint64_t size,
                                      tally_error** error) {
  return edit(job, error, [&](tally_job& to) -> Result<void> {
    to.spec.chunk_size = size;
    return {};
  });
}

tally_status tally_job_set_missing(tally_job* job, int32_t policy,
                                   tally_error** error) {
  return edit_enum(job, error, policy, model::MissingPolicy::Error,
                   model::MissingPolicy::Skip, "a missing policy",
                   &model::JobSpec::missing);
}

tally_status tally_job_set_nan(tally_job* job, int32_t policy, tally_error** error) {
  return edit_enum(job, error, policy, model::NanPolicy::Propagate,
                   model::NanPolicy::Error, "a NaN policy", &model::JobSpec::nan);
}

tally_status tally_job_set_on_failure(tally_job* job, int32_t policy,
                                      tally_error** error) {
  return edit_enum(job, error, policy, model::FailurePolicy::Fail,
                   model::FailurePolicy::Partial, "a failure policy",
                   &model::JobSpec::on_failure);
}

tally_status tally_job_set_timeout_ns(tally_job* job, uint64_t timeout_ns,
                                      tally_error** error) {
  return edit(job, error, [&](tally_job& to) -> Result<void> {
    to.spec.timeout_ns = timeout_ns;
    return {};
  });
}

tally_status tally_job_set_priority(tally_job* job, int32_t priority,
                                    tally_error** error) {
  return edit(job, error, [&](tally_job& to) -> Result<void> {
    to.spec.priority = priority;
    return {};
  });
}

tally_status tally_job_set_limit(tally_job* job, const char* name, uint32_t count,
                                 tally_error** error) {
  return edit(job, error, [&](tally_job& to) { return set_limit(to, name, count); });
}

tally_status tally_job_set_require_isolated(tally_job* job, int required,
                                            tally_error** error) {
  return edit(job, error, [&](tally_job& to) -> Result<void> {
    to.spec.require_isolated = required != 0;
    return {};
  });
}

}  // extern "C"

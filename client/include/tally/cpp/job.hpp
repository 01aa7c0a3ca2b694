// Job: what to compute. Included by tally/tally.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <vector>

#include "tally/cpp/error.hpp"
#include "tally/cpp/shared_array.hpp"

namespace tally {
inline namespace cpp0 {

// What to compute, over what, and how. Steps chain; the first that fails is kept, makes
// the others do nothing, and is what submitting the job gives.
class Job {
 public:
  Job() {
    tally_job* made = nullptr;
    step([&](tally_error** error) { return tally_job_new(&made, error); });
    job_.reset(made);
  }

  // One more result. `column` "" where there is one column; `label` "": the name.
  Job& add(const std::string& reducer, const std::string& column = {},
           const std::string& label = {}) {
    return add(reducer, std::initializer_list<std::string>{}, column, label);
  }
  // The same with the reducer's arguments, as text.
  Job& add(const std::string& reducer, std::initializer_list<std::string> args,
           const std::string& column = {}, const std::string& label = {}) {
    std::vector<const char*> texts;
    for (const std::string& arg : args) texts.push_back(arg.c_str());
    return step([&](tally_error** error) {
      return tally_job_add_reducer_args(job_.get(), reducer.c_str(), texts.data(),
                                        texts.size(), optional(column), optional(label),
                                        error);
    });
  }

  // The integers start, start + by, … before stop.
  Job& range(std::int64_t start, std::int64_t stop, std::int64_t by = 1) {
    return step([&](tally_error** error) {
      return tally_job_set_range(job_.get(), start, stop, by, error);
    });
  }
  // Elements that lie side by side: a std::span, vector, array, a C array. Copied into
  // the request; at most 1 MiB.
  template <std::ranges::contiguous_range Range>
  Job& values(const Range& values) {
    using T = std::ranges::range_value_t<Range>;
    return step([&](tally_error** error) {
      return tally_job_set_values(job_.get(), type_of<T>(), std::ranges::data(values),
                                  std::ranges::size(values), error);
    });
  }
  template <typename T>
  Job& values(std::initializer_list<T> values) {
    return this->values(std::span<const T>(values.begin(), values.size()));
  }
  // Shared, not copied. The array may be destroyed when this returns.
  template <typename T>
  Job& array(const SharedArray<T>& array) {
    return step(
        [&](tally_error** error) { return array.attach_to(job_.get(), error); });
  }
  // A second array beside that of array() or memory(): their elements are paired one by
  // one, for dot.
  template <typename T>
  Job& paired(const SharedArray<T>& array) {
    return step([&](tally_error** error) { return array.pair_in(job_.get(), error); });
  }
  // `count` elements from byte `offset` of a memfd that is sealed as tally.h says.
  Job& memory(int fd, tally_type type, std::uint64_t offset, std::uint64_t count) {
    return step([&](tally_error** error) {
      return tally_job_set_memory(job_.get(), fd, type, offset, count, error);
    });
  }
  // Opened here and now; several add up.
  Job& file(const std::string& path) {
    return step([&](tally_error** error) {
      return tally_job_add_file(job_.get(), path.c_str(), error);
    });
  }
  // A shared object whose kernels the reducers may name.
  Job& kernel(const std::string& path) {
    return step([&](tally_error** error) {
      return tally_job_add_kernel(job_.get(), path.c_str(), error);
    });
  }
  Job& format(tally_format format) { return set(tally_job_set_format, format); }
  Job& dtype(tally_type type) { return set(tally_job_set_dtype, type); }
  Job& csv(char delimiter, bool header) {
    return step([&](tally_error** error) {
      return tally_job_set_csv(job_.get(), delimiter, header ? 1 : 0, error);
    });
  }

  Job& hint(tally_hint hint) { return set(tally_job_set_hint, hint); }
  Job& path(tally_path path) { return set(tally_job_set_path, path); }
  Job& workers(std::uint32_t workers) { return set(tally_job_set_workers, workers); }
  // Elements, or bytes for CSV and text.
  Job& chunk_size(std::uint64_t size) { return set(tally_job_set_chunk_size, size); }
  Job& missing(std::int32_t policy) { return set(tally_job_set_missing, policy); }
  Job& nan(std::int32_t policy) { return set(tally_job_set_nan, policy); }
  Job& on_failure(std::int32_t policy) { return set(tally_job_set_on_failure, policy); }
  // Cut to whole nanoseconds; not above 0: none.
  Job& timeout(std::chrono::nanoseconds time) {
    const auto ns = time.count() > 0 ? static_cast<std::uint64_t>(time.count()) : 0;
    return set(tally_job_set_timeout_ns, ns);
  }
  // The higher one of one's own jobs goes first; a step is a second of waiting.
  Job& priority(std::int32_t priority) { return set(tally_job_set_priority, priority); }
  // At most `count` chunks at once, of all jobs, that name this token.
  Job& limit(const std::string& name, std::uint32_t count) {
    return step([&](tally_error** error) {
      return tally_job_set_limit(job_.get(), name.c_str(), count, error);
    });
  }
  Job& require_isolated(bool required = true) {
    return set(tally_job_set_require_isolated, required ? 1 : 0);
  }

  // What went wrong with a step, if one did.
  const std::optional<Error>& error() const noexcept { return error_; }
  const tally_job* get() const noexcept { return job_.get(); }

 private:
  static const char* optional(const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
  }
  template <typename F>
  Job& step(F&& call) {
    if (error_) return *this;
    if (Expected<Done> done = detail::attempt(call); !done) error_ = done.error();
    return *this;
  }
  template <typename Value>
  Job& set(tally_status (*function)(tally_job*, Value, tally_error**), Value value) {
    return step(
        [&](tally_error** error) { return function(job_.get(), value, error); });
  }

  detail::JobPtr job_;
  std::optional<Error> error_;
};

}  // namespace cpp0
}  // namespace tally

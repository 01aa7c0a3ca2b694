// Arrays that the daemon reads where they lie: Array<T> is written, SharedArray<T> is
// what it becomes. Included by tally/tally.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "tally/cpp/element_type.hpp"
#include "tally/cpp/error.hpp"

namespace tally {
inline namespace cpp0 {

template <typename T>
class SharedArray;

namespace detail {
using ArrayPtr = std::unique_ptr<tally_array, Freer<tally_array_free>>;
}

// Sealed memory: it never changes, and is freed when the last of its copies and of the
// jobs over it are gone. Copies share it and are cheap.
template <typename T>
class SharedArray {
 public:
  // Lets `fill(std::span<T>)` write `count` elements (zeroes at first), then seals.
  template <typename Fill>
  static Expected<SharedArray> make(std::size_t count, Fill&& fill);

  // A copy of memory that cannot be given; the answers of jobs over it show it.
  static Expected<SharedArray> copy(std::span<const T> values) {
    tally_array* made = nullptr;
    const Expected<Done> done = detail::attempt([&](tally_error** error) {
      return tally_array_copy(type_of<T>(), values.data(), values.size(), &made, error);
    });
    if (!done) return done.error();
    return SharedArray(detail::ArrayPtr(made));
  }

  std::span<const T> data() const noexcept { return data_; }
  int fd() const noexcept { return tally_array_fd(array_); }  // stays owned here
  tally_huge_pages huge_pages() const noexcept {
    return tally_array_huge_pages(array_);
  }

  // Makes it a job's source, or the second array of one: Job::array and Job::paired
  // call these.
  tally_status attach_to(tally_job* job, tally_error** error) const {
    return put(tally_job_set_array, tally_job_set_memory, job, error);
  }
  tally_status pair_in(tally_job* job, tally_error** error) const {
    return put(tally_job_pair_array, tally_job_pair_memory, job, error);
  }

  // Takes over an array that is shared and of this element type.
  explicit SharedArray(detail::ArrayPtr array)
      : SharedArray(array.get(),
                    {static_cast<const T*>(tally_array_view(array.get())),
                     static_cast<std::size_t>(tally_array_count(array.get()))},
                    nullptr) {
    owner_ = std::shared_ptr<const void>(std::move(array));
  }
  // Elements that lie in a shared array which `owner` keeps.
  SharedArray(const tally_array* array, std::span<const T> data,
              std::shared_ptr<const void> owner)
      : owner_(std::move(owner)), array_(array), data_(data) {}

 private:
  // The whole array by the one function, or a part of it by the other.
  template <typename Whole, typename Part>
  tally_status put(Whole whole, Part part, tally_job* job, tally_error** error) const {
    const auto* const start = static_cast<const std::byte*>(tally_array_view(array_));
    if (start == nullptr || data_.data() == nullptr) return whole(job, array_, error);
    const auto* const first = reinterpret_cast<const std::byte*>(data_.data());
    if (first == start && data_.size() == tally_array_count(array_))
      return whole(job, array_, error);
    return part(job, fd(), type_of<T>(), static_cast<std::uint64_t>(first - start),
                data_.size(), error);
  }

  std::shared_ptr<const void> owner_;
  const tally_array* array_;
  std::span<const T> data_;
};

// Memory to be written, then shared.
template <typename T>
class Array {
 public:
  // `count` zeroes; 0 is allowed.
  static Expected<Array> create(std::size_t count) {
    tally_array* made = nullptr;
    const Expected<Done> done = detail::attempt([&](tally_error** error) {
      return tally_array_create(type_of<T>(), count, &made, error);
    });
    if (!done) return done.error();
    return Array(detail::ArrayPtr(made));
  }

  std::span<T> data() const noexcept {
    return {static_cast<T*>(tally_array_data(array_.get())),
            static_cast<std::size_t>(tally_array_count(array_.get()))};
  }

  // Copies in, faster than through data(); from several threads at once, if you like.
  Expected<Done> write(std::size_t first, std::span<const T> values) {
    return detail::attempt([&](tally_error** error) {
      return tally_array_write(array_.get(), first, values.data(), values.size(),
                               error);
    });
  }

  // Seals it, at the same address; nobody may be writing. Where that fails (the code is
  // "array_in_use") this array is writable as before, else it is empty.
  Expected<SharedArray<T>> share() && {
    const Expected<Done> done = detail::attempt(
        [&](tally_error** error) { return tally_array_share(array_.get(), error); });
    if (!done) return done.error();
    return SharedArray<T>(std::move(array_));
  }

 private:
  explicit Array(detail::ArrayPtr array) : array_(std::move(array)) {}

  detail::ArrayPtr array_;
};

template <typename T>
template <typename Fill>
Expected<SharedArray<T>> SharedArray<T>::make(std::size_t count, Fill&& fill) {
  Expected<Array<T>> array = Array<T>::create(count);
  if (!array) return array.error();
  fill(array->data());
  return std::move(*array).share();
}

}  // namespace cpp0
}  // namespace tally

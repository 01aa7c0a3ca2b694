// The C ABI: arrays that the daemon reads where they lie.
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>

#include "client/abi_types.h"
#include "client/shared_memory.h"

struct tally_array {
  tally::model::ElementType type;
  std::uint64_t count;
  tally::client::SharedMemory memory;
};

namespace tally::client {
namespace {

Error not_shared() {
  return Error(Errc::InvalidArgument, "not_shared",
               "the array can be written still; call tally_array_share first");
}

Result<std::unique_ptr<tally_array>> make(tally_type number, std::uint64_t count) {
  const Result<model::ElementType> type = checked_type(number);
  if (!type) return type.error();
  const std::uint64_t size = model::size_of(*type);
  if (count >
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / size)
    return Error(Errc::InvalidArgument, "too_large",
                 "no memory holds " + std::to_string(count) + " elements of " +
                     std::to_string(size) + " bytes");
  Result<SharedMemory> memory = SharedMemory::make(count * size);
  if (!memory) return std::move(memory).error();
  return std::make_unique<tally_array>(tally_array{*type, count, *std::move(memory)});
}

Result<void> write(tally_array& array, std::uint64_t first, const void* values,
                   std::uint64_t count) {
  if (values == nullptr && count > 0) return null_argument("values");
  if (array.memory.sealed())
    return Error(Errc::InvalidArgument, "already_shared",
                 "a shared array is never written again");
  if (first > array.count || count > array.count - first)
    return Error(Errc::InvalidArgument, "out_of_range",
                 "the array has " + std::to_string(array.count) + " elements");
  const std::uint64_t size = model::size_of(array.type);
  return array.memory.write(first * size, values, count * size);
}

}  // namespace

Result<model::ElementType> checked_type(tally_type number) {
  if (number >= TALLY_TYPE_I8 && number <= TALLY_TYPE_F64)
    return static_cast<model::ElementType>(number);
  return Error(Errc::InvalidArgument, "bad_enum",
               "an element type has no number " + std::to_string(number));
}

}  // namespace tally::client

using tally::Result;
using tally::client::boundary;
using tally::client::null_argument;

extern "C" {

tally_status tally_array_create(tally_type type, uint64_t count, tally_array** array,
                                tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (array == nullptr) return null_argument("array");
    Result<std::unique_ptr<tally_array>> made = tally::client::make(type, count);
    if (!made) return std::move(made).error();
    *array = made->release();
    return {};
  });
}

tally_status tally_array_write(tally_array* array, uint64_t first, const void* values,
                               uint64_t count, tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (array == nullptr) return null_argument("array");
    return tally::client::write(*array, first, values, count);
  });
}

tally_status tally_array_share(tally_array* array, tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (array == nullptr) return null_argument("array");
    return array->memory.seal();
  });
}

tally_status tally_array_copy(tally_type type, const void* values, uint64_t count,
                              tally_array** array, tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (array == nullptr) return null_argument("array");
    if (values == nullptr && count > 0) return null_argument("values");
    Result<std::unique_ptr<tally_array>> made = tally::client::make(type, count);
    if (!made) return std::move(made).error();
    tally_array& to = **made;
    if (Result<void> written = tally::client::write(to, 0, values, count); !written)
      return written;
    if (Result<void> sealed = to.memory.seal(); !sealed) return sealed;
    *array = made->release();
    return {};
  });
}

void tally_array_free(tally_array* array) {
  delete array;
}

void* tally_array_data(tally_array* array) {
  return array == nullptr ? nullptr : array->memory.data();
}

const void* tally_array_view(const tally_array* array) {
  return array == nullptr ? nullptr : array->memory.view();
}

uint64_t tally_array_count(const tally_array* array) {
  return array == nullptr ? 0 : array->count;
}

tally_type tally_array_type(const tally_array* array) {
  return array == nullptr ? 0 : static_cast<tally_type>(array->type);
}

int tally_array_fd(const tally_array* array) {
  return array == nullptr ? -1 : array->memory.fd();
}

int tally_array_is_shared(const tally_array* array) {
  return array != nullptr && array->memory.sealed() ? 1 : 0;
}

tally_huge_pages tally_array_huge_pages(const tally_array* array) {
  return array == nullptr ? TALLY_HUGE_PAGES_NONE
                          : static_cast<tally_huge_pages>(array->memory.huge_pages());
}

tally_status tally_job_set_array(tally_job* job, const tally_array* array,
                                 tally_error** error) {
  if (array == nullptr) return tally::client::fail(error, null_argument("array"));
  if (!array->memory.sealed())
    return tally::client::fail(error, tally::client::not_shared());
  const tally_status set = tally_job_set_memory(
      job, array->memory.fd(), tally_array_type(array), 0, array->count, error);
  if (set == TALLY_OK && array->memory.copied_bytes() > 0)
    job->copied = {array->memory.copied_bytes(), array->memory.copied_ns()};
  return set;
}

tally_status tally_job_pair_array(tally_job* job, const tally_array* array,
                                  tally_error** error) {
  if (array == nullptr) return tally::client::fail(error, null_argument("array"));
  if (!array->memory.sealed())
    return tally::client::fail(error, tally::client::not_shared());
  const tally_status paired = tally_job_pair_memory(
      job, array->memory.fd(), tally_array_type(array), 0, array->count, error);
  if (paired == TALLY_OK) {
    job->copied.bytes += array->memory.copied_bytes();
    job->copied.ns += array->memory.copied_ns();
  }
  return paired;
}

}  // extern "C"

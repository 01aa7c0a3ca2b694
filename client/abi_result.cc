// The C ABI: one result and its value.
#include <limits>
#include <variant>

#include "client/abi_types.h"
#include "client/json_writer.h"
#include "ipc/base/float_environment.h"
#include "ipc/base/int128.h"

namespace tally::client {
namespace {

struct TextOf {
  std::string operator()(std::monostate) const { return {}; }
  std::string operator()(Int128 value) const { return to_string(value); }
  std::string operator()(double value) const { return real_text(value); }
  std::string operator()(float value) const { return real_text(value); }
  std::string operator()(const model::ElementIndex& at) const {
    return std::to_string(at.index);
  }
  std::string operator()(const std::string& text) const { return text; }
  std::string operator()(const model::Histogram& histogram) const {
    std::string counts;
    for (const std::uint64_t count : histogram.counts)
      counts += (counts.empty() ? "" : " ") + std::to_string(count);
    return counts;
  }
};

Error wrong_kind(const tally_result& result, const char* wanted) {
  if (result.error) return result.error->error;
  return Error(Errc::InvalidArgument, "wrong_kind",
               "the result " + result.result->label + " is not " + wanted);
}

// The value of that kind; errors as the header says.
template <typename Value>
Result<Value> value_of(const tally_result* result, const char* wanted) {
  if (result == nullptr) return null_argument("result");
  const auto* value = std::get_if<Value>(&result->result->value);
  if (value == nullptr || result->error) return wrong_kind(*result, wanted);
  return *value;
}

// Exactly, also where the program has subnormals taken for zeros: the least f32s are
// such. Not inlined: it may not happen before the environment is set.
[[gnu::noinline]] double widened(float value) {
  return double{value};
}

}  // namespace

std::string text_of(const model::Value& value) {
  return std::visit(TextOf{}, value);
}

}  // namespace tally::client

using tally::Error;
using tally::Int128;
using tally::Result;
using tally::client::boundary;
using tally::client::null_argument;
using tally::client::value_of;

extern "C" {

const char* tally_result_label(const tally_result* result) {
  return result == nullptr ? "" : result->result->label.c_str();
}

const char* tally_result_reducer(const tally_result* result) {
  return result == nullptr ? "" : result->result->reducer.c_str();
}

const char* tally_result_column(const tally_result* result) {
  return result == nullptr ? "" : result->result->column.c_str();
}

tally_kind tally_result_kind(const tally_result* result) {
  if (result == nullptr || result->error) return TALLY_KIND_NONE;
  // The variant's alternatives stand in the order of the kinds.
  return static_cast<tally_kind>(result->result->value.index());
}

const char* tally_result_text(const tally_result* result) {
  return result == nullptr || result->error ? "" : result->text.c_str();
}

const tally_error* tally_result_error(const tally_result* result) {
  return result == nullptr || !result->error ? nullptr : &*result->error;
}

tally_status tally_result_int128(const tally_result* result, int64_t* high,
                                 uint64_t* low, tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (high == nullptr) return null_argument("high");
    if (low == nullptr) return null_argument("low");
    const Result<Int128> value = value_of<Int128>(result, "an integer");
    if (!value) return value.error();
    *high = static_cast<int64_t>(*value >> 64);
    *low = static_cast<uint64_t>(*value);
    return {};
  });
}

tally_status tally_result_int64(const tally_result* result, int64_t* value,
                                tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (value == nullptr) return null_argument("value");
    const Result<Int128> wide = value_of<Int128>(result, "an integer");
    if (!wide) return wide.error();
    if (*wide < std::numeric_limits<int64_t>::min() ||
        *wide > std::numeric_limits<int64_t>::max())
      return Error(tally::Errc::InvalidArgument, "out_of_range",
                   tally::to_string(*wide) + " does not fit 64 bits");
    *value = static_cast<int64_t>(*wide);
    return {};
  });
}

tally_status tally_result_f64(const tally_result* result, double* value,
                              tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (value == nullptr) return null_argument("value");
    if (tally_result_kind(result) == TALLY_KIND_F32) {
      const tally::FloatEnvironment exact;
      *value = tally::client::widened(std::get<float>(result->result->value));
      return {};
    }
    const Result<double> exact = value_of<double>(result, "a float");
    if (!exact) return exact.error();
    *value = *exact;
    return {};
  });
}

tally_status tally_result_f32(const tally_result* result, float* value,
                              tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (value == nullptr) return null_argument("value");
    const Result<float> exact = value_of<float>(result, "an f32");
    if (!exact) return exact.error();
    *value = *exact;
    return {};
  });
}

tally_status tally_result_index(const tally_result* result, uint64_t* index,
                                const char** file, tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (index == nullptr) return null_argument("index");
    if (result == nullptr) return null_argument("result");
    const auto* at = std::get_if<tally::model::ElementIndex>(&result->result->value);
    if (at == nullptr || result->error)
      return tally::client::wrong_kind(*result, "an index");
    *index = at->index;
    if (file != nullptr) *file = at->file ? at->file->c_str() : nullptr;
    return {};
  });
}

tally_status tally_result_histogram(const tally_result* result,
                                    tally_histogram* histogram, tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (result == nullptr) return null_argument("result");
    const auto* value = std::get_if<tally::model::Histogram>(&result->result->value);
    if (value == nullptr || result->error)
      return tally::client::wrong_kind(*result, "a histogram");
    const tally_histogram full{sizeof full,         value->counts.size(),
                               value->edges.data(), value->counts.data(),
                               value->underflow,    value->overflow,
                               value->nan};
    return tally::client::fill(histogram, full);
  });
}

}  // extern "C"

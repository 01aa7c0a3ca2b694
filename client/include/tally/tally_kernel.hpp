// tally_kernel.hpp: a reducer of your own as a class; C++20, header only. What a kernel
// is and what is asked of it: tally_kernel.h; how to begin: KERNELS.md.
//
//   struct GeometricMean {
//     static constexpr auto name = "geomean";
//     static constexpr auto summary = "the geometric mean";  // may be left out
//
//     double log_sum = 0;  // the members are the state
//     std::uint64_t count = 0;
//
//     void update(std::span<const double> values);
//     void merge(const GeometricMean& other);  // the rows of other come after ours
//     tally::kernel::Output finish() const;    // a number, a text, or none("why")
//   };
//   TALLY_KERNEL(GeometricMean)  // or several, with commas
//
// update      One span a column: update(x, y) makes a kernel of two columns. It takes
//             what it can be called with: double, float, std::int8_t, …,
//             std::uint64_t, or std::string_view for text. Overloads and templates
//             take several types; using types = tally::kernel::Types<float, double>
//             narrows a template. A last parameter const tally::kernel::Block& says
//             which rows they are.
// finish      What converts to Output; or Outputs for several, each with a label.
// exact       static constexpr bool exact = true says that merging is associative and
//             commutative to the last bit.
// parameters  A constructor from const tally::kernel::Parameters&, and the table
//               static constexpr tally::kernel::Parameter parameters[] = {
//                   {"base", "of the logarithm", "2"},
//                   {"limit", "must be given", nullptr}};
// save, load  A state that is trivially copyable travels as its bytes. Any other has
//               void save(tally::kernel::Writer&) const;
//               void load(tally::kernel::Reader&);
//             where equal states save equal bytes.
//
// tally::kernel::fail("why") ends the job with that message. Any other exception ends
// it as well, as a fault of the kernel.
#ifndef TALLY_TALLY_KERNEL_HPP_
#define TALLY_TALLY_KERNEL_HPP_

#include <tally/tally_kernel.h>

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// Hidden: two kernels in one worker, or two builds of one, share no symbols.
#pragma GCC visibility push(hidden)
namespace tally::kernel {

// ---- What a kernel says ---------------------------------------------------------

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
[[noreturn]] inline void fail(const std::string& why) {
  throw Failure(why);
}

// There is no value, and why: "geomean of no elements".
struct None {
  std::string why;
};
inline None none(std::string why) {
  return {std::move(why)};
}

class Output {
 public:
  template <std::integral T>
  Output(T value)
      : value_(Integer{std::is_signed_v<T> && value < T{} ? -1 : 0,
                       static_cast<std::uint64_t>(value)}) {}
  Output(double value) : value_(value) {}
  Output(float value) : value_(value) {}
  Output(std::string value) : value_(std::move(value)) {}
  Output(std::string_view value) : value_(std::string(value)) {}
  Output(const char* value) : value_(std::string(value)) {}
  Output(None none) : value_(std::move(none)) {}

  int emit(tally_kernel_run* run, const char* label) const {
    if (const auto* integer = std::get_if<Integer>(&value_))
      return tally_kernel_emit_int128(run, label, integer->high, integer->low);
    if (const auto* number = std::get_if<double>(&value_))
      return tally_kernel_emit_f64(run, label, *number);
    if (const auto* number = std::get_if<float>(&value_))
      return tally_kernel_emit_f32(run, label, *number);
    if (const auto* text = std::get_if<std::string>(&value_))
      return run->host->emit_text(run, label, text->data(), text->size());
    return tally_kernel_emit_none(run, label, std::get<None>(value_).why.c_str());
  }

 private:
  struct Integer {
    std::int64_t high;
    std::uint64_t low;
  };
  std::variant<Integer, double, float, std::string, None> value_;
};

struct Named {
  std::string label;
  Output value;
};
using Outputs = std::vector<Named>;

// ---- What a kernel is given -----------------------------------------------------

using Parameter = tally_kernel_parameter;  // {name, summary, default}

// The parameters of the job, by name.
class Parameters {
 public:
  explicit Parameters(tally_kernel_run* run) : run_(run) {}

  std::string text(const char* name) const {
    const char* value = tally_kernel_parameter_text(run_, name);
    if (value == nullptr) fail(std::string("there is no parameter ") + name);
    return value;
  }
  double number(const char* name) const { return parsed<double>(name, "number"); }
  std::int64_t integer(const char* name) const {
    return parsed<std::int64_t>(name, "integer");
  }

 private:
  template <typename T>
  T parsed(const char* name, const char* what) const {
    const std::string value = text(name);
    T result{};
    const char* const end = value.data() + value.size();
    const auto [at, error] = std::from_chars(value.data(), end, result);
    if (error != std::errc() || at != end)
      fail("the parameter " + std::string(name) + " is \"" + value +
           "\", which is no " + what);
    return result;
  }

  tally_kernel_run* run_;
};

// Which rows an update is given. Until update returns.
class Block {
 public:
  Block(tally_kernel_run* run, const tally_kernel_block* block, std::size_t offset)
      : run_(run), block_(block), offset_(offset) {}

  // Of the i-th element of the spans: its index in its file.
  std::uint64_t row(std::size_t i) const {
    return block_->rows != nullptr ? block_->rows[offset_ + i]
                                   : block_->first_row + offset_ + i;
  }
  std::uint32_t file() const { return block_->file; }
  const char* file_name() const { return block_->file_name; }
  // Nobody wants the chunk any more: a long update may return early.
  bool cancelled() const { return tally_kernel_cancelled(run_) != 0; }
  // Of a kernel with `static constexpr bool sync = true`, for tally_sync.hpp's
  // Sync(table, context). nullptr where there is none.
  const tally_sync* sync(tally_sync_context** context) const {
    return tally_kernel_sync(run_, context);
  }

 private:
  tally_kernel_run* run_;
  const tally_kernel_block* block_;
  std::size_t offset_;
};

// Where save() writes. Every number goes as its bytes, a text as its length and
// bytes.
class Writer {
 public:
  explicit Writer(tally_kernel_run* run) : run_(run) {}

  void bytes(const void* data, std::size_t size) {
    if (tally_kernel_write(run_, data, size) != 0) fail("the state is too large");
  }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void write(T value) { bytes(&value, sizeof value); }
  void write(std::string_view text) {
    write(std::uint64_t{text.size()});
    bytes(text.data(), text.size());
  }

 private:
  tally_kernel_run* run_;
};

// What load() reads, in the order in which save() wrote. Fails where the bytes end
// early.
class Reader {
 public:
  Reader(const void* data, std::size_t size)
      : left_(static_cast<const char*>(data), size) {}

  std::string_view bytes(std::size_t size) {
    if (size > left_.size()) fail("a state that ends early");
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  template <typename T>
  requires std::is_arithmetic_v<T> T read() {
    T value;
    std::memcpy(&value, bytes(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view text() { return bytes(count(1)); }
  // A number of things that take `each` bytes at least: never more than can follow.
  std::size_t count(std::size_t each) {
    const auto number = read<std::uint64_t>();
    if (number > left_.size() / each) fail("a state that ends early");
    return static_cast<std::size_t>(number);
  }
  bool at_end() const { return left_.empty(); }

 private:
  std::string_view left_;
};

// In a kernel: `using types = Types<float, double>`.
template <typename... T>
struct Types {};

}  // namespace tally::kernel
#pragma GCC visibility pop

#include <tally/cpp/kernel_adapter.hpp>

// Once in a shared object, with all of its kernels.
#define TALLY_KERNEL(...)                                \
  const tally_kernel* const* tally_kernels(void) {       \
    return ::tally::kernel::detail::list<__VA_ARGS__>(); \
  }

#endif  // TALLY_TALLY_KERNEL_HPP_

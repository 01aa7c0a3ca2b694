#include "runtime/kernel/kernel_table.h"

#include <cstring>
#include <optional>
#include <string_view>

#include "ipc/base/utf8.h"
#include "runtime/reduce/reducers.h"

namespace tally::kernels {
namespace {

constexpr std::uint64_t kAllTypes = 0xFFEU;  // bits 1 to 11
constexpr std::uint32_t kAllFlags = TALLY_KERNEL_EXACT | TALLY_KERNEL_SYNC;

// What is wrong with a table, found on the way through it.
class Checker {
 public:
  Checker(const tally_kernel& kernel, std::size_t index, const std::string& image)
      : kernel_(kernel), index_(index), image_(image) {}

  Result<model::KernelInfo> check() {
    if (kernel_.abi != TALLY_KERNEL_ABI) return other_abi();
    if (kernel_.struct_size != sizeof(tally_kernel))
      return bad("struct_size is " + std::to_string(kernel_.struct_size) +
                 "; it must be sizeof(tally_kernel), " +
                 std::to_string(sizeof(tally_kernel)));
    if (!check_name()) return wrong();
    if (!check_summary()) return wrong();
    if (!check_shape() || !check_functions()) return wrong();
    if (!check_parameters()) return wrong();
    return std::move(info_);
  }

 private:
  Error other_abi() const {
    return Error(Errc::InvalidArgument, "kernel_abi",
                 image_ + " was built for version " + std::to_string(kernel_.abi) +
                     " of the kernel ABI, this tally has version " +
                     std::to_string(TALLY_KERNEL_ABI) +
                     "; build it again with this tally's tally_kernel.h")
        .with("image", image_)
        .with("abi", std::int64_t{kernel_.abi})
        .with("expected_abi", std::int64_t{TALLY_KERNEL_ABI});
  }

  Error bad(const std::string& what) const {
    const std::string which =
        info_.name.empty() ? "entry " + std::to_string(index_) + " of its kernels"
                           : "kernel " + info_.name;
    Error error =
        Error(Errc::InvalidArgument, "bad_kernel", image_ + ": " + which + ": " + what)
            .with("image", image_)
            .with("entry", static_cast<std::int64_t>(index_));
    if (!info_.name.empty()) error = std::move(error).with("kernel", info_.name);
    return error;
  }
  bool fault(const std::string& what) {
    wrong_ = bad(what);
    return false;
  }
  Error wrong() const { return *wrong_; }

  static bool is_identifier(std::string_view name) {
    if (name.empty() || name[0] < 'a' || name[0] > 'z') return false;
    for (const char c : name)
      if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
    return true;
  }

  // The text, if it is UTF-8 without control characters and at most `most` bytes long.
  static std::optional<std::string> line_of(const char* text, std::size_t most) {
    const std::size_t bytes = ::strnlen(text, most + 1);
    if (bytes > most) return std::nullopt;
    const std::string_view line(text, bytes);
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t step = character_bytes(line, at);
      if (step == 0 || static_cast<unsigned char>(line[at]) < 0x20 || line[at] == 0x7F)
        return std::nullopt;
      at += step;
    }
    return std::string(line);
  }

  bool check_name() {
    if (kernel_.name == nullptr) return fault("it has no name");
    const std::optional<std::string> name = line_of(kernel_.name, kMaxNameBytes);
    if (!name || !is_identifier(*name))
      return fault(
          "its name must be a small letter, then small letters, digits and _, "
          "at most " +
          std::to_string(kMaxNameBytes) + " bytes");
    if (reduce::find_reducer(*name) != nullptr)
      return fault("\"" + *name + "\" is the name of a built-in reducer");
    info_.name = *name;
    return true;
  }

  bool check_summary() {
    const char* summary = kernel_.summary == nullptr ? "" : kernel_.summary;
    const std::optional<std::string> line = line_of(summary, kMaxSummaryBytes);
    if (!line)
      return fault("summary must be one line of UTF-8, at most " +
                   std::to_string(kMaxSummaryBytes) + " bytes");
    info_.summary = *line;
    return true;
  }

  bool check_shape() {
    if (kernel_.types == 0) return fault("types is 0: it takes no element type");
    if ((kernel_.types & ~kAllTypes) != 0)
      return fault("types has bits that are no element type; use TALLY_KERNEL_TAKES()");
    if ((kernel_.types & model::kTextBit) != 0 && kernel_.types != model::kTextBit)
      return fault("it takes text and numbers; one that takes text takes nothing else");
    if (kernel_.columns == 0 || kernel_.columns > kMaxColumns)
      return fault("columns is " + std::to_string(kernel_.columns) +
                   "; it must be 1 to " + std::to_string(kMaxColumns));
    if ((kernel_.flags & ~kAllFlags) != 0)
      return fault("flags has bits that mean nothing in this version");
    if (kernel_.state_size == 0 || kernel_.state_size > kMaxStateBytes)
      return fault("state_size is " + std::to_string(kernel_.state_size) +
                   "; it must be 1 to " + std::to_string(kMaxStateBytes) + " bytes");
    if (kernel_.serialize == nullptr && kernel_.state_size > kMaxTravellingBytes)
      return fault("state_size is " + std::to_string(kernel_.state_size) +
                   "; a state of more than " + std::to_string(kMaxTravellingBytes) +
                   " bytes needs serialize and deserialize, which write less");
    info_.types = kernel_.types;
    info_.columns = kernel_.columns;
    info_.exact = (kernel_.flags & TALLY_KERNEL_EXACT) != 0;
    info_.sync = (kernel_.flags & TALLY_KERNEL_SYNC) != 0;
    info_.state_bytes = kernel_.state_size;
    return true;
  }

  bool check_functions() {
    if (kernel_.update == nullptr) return fault("it has no update");
    if (kernel_.merge == nullptr) return fault("it has no merge");
    if (kernel_.finish == nullptr) return fault("it has no finish");
    if ((kernel_.serialize == nullptr) != (kernel_.deserialize == nullptr))
      return fault(
          "it has only one of serialize and deserialize; give both, or "
          "neither if the state is plain bytes");
    return true;
  }

  bool check_parameters() {
    if (kernel_.parameter_count > kMaxParameters)
      return fault("parameter_count is " + std::to_string(kernel_.parameter_count) +
                   "; at most " + std::to_string(kMaxParameters) + " are allowed");
    if (kernel_.parameter_count != 0 && kernel_.parameters == nullptr)
      return fault("parameter_count is not 0 and parameters is NULL");
    for (std::size_t i = 0; i < kernel_.parameter_count; ++i)
      if (!check_parameter(kernel_.parameters[i], i)) return false;
    return true;
  }

  bool check_parameter(const tally_kernel_parameter& parameter, std::size_t number) {
    const std::string which = "parameter " + std::to_string(number);
    if (parameter.name == nullptr) return fault(which + " has no name");
    const std::optional<std::string> name = line_of(parameter.name, kMaxNameBytes);
    if (!name || !is_identifier(*name))
      return fault(which +
                   ": its name must be a small letter, then small letters, "
                   "digits and _");
    for (const model::KernelParameter& other : info_.parameters)
      if (other.name == *name) return fault("it has two parameters called " + *name);
    const char* summary = parameter.summary == nullptr ? "" : parameter.summary;
    const std::optional<std::string> line = line_of(summary, kMaxSummaryBytes);
    if (!line)
      return fault("the summary of parameter " + *name + " is no line of UTF-8");
    std::optional<std::string> value;
    if (parameter.default_value != nullptr) {
      value = line_of(parameter.default_value, kMaxParameterBytes);
      if (!value)
        return fault("the default of parameter " + *name + " is no line of UTF-8");
    }
    info_.parameters.push_back({*name, *line, std::move(value)});
    return true;
  }

  const tally_kernel& kernel_;
  const std::size_t index_;
  const std::string& image_;
  model::KernelInfo info_;
  std::optional<Error> wrong_;
};

}  // namespace

Result<model::KernelInfo> check_table(const tally_kernel& kernel, std::size_t index,
                                      const std::string& image) {
  return Checker(kernel, index, image).check();
}

}  // namespace tally::kernels

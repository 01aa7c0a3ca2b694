// Kernels, as jobs, daemon and workers speak of them: plain data.
//
// A kernel is a reducer that a user brings as a shared object; the C ABI is
// client/include/tally/tally_kernel.h. An image is the content of such a file; its
// SHA-256 names it, so that workers load each content once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ipc/base/error.h"
#include "ipc/base/int128.h"
#include "ipc/model/element_type.h"

namespace tally::model {

using ImageHash = std::array<std::byte, 32>;  // SHA-256 of the shared object

inline std::string hex_of(const ImageHash& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : hash) {
    text += kDigits[std::to_integer<unsigned>(byte >> 4)];
    text += kDigits[std::to_integer<unsigned>(byte & std::byte{15})];
  }
  return text;
}

struct KernelParameter {
  std::string name;
  std::string summary;
  std::optional<std::string> default_value;  // none: the job must give it
};

// What a kernel says of itself, checked by the worker that loaded it.
struct KernelInfo {
  std::string name;
  std::string summary;
  std::uint64_t types = 0;  // bit ElementType, or kTextBit
  std::uint32_t columns = 1;
  bool exact = false;  // merge order cannot matter
  bool sync = false;   // wants a region of shared memory
  std::vector<KernelParameter> parameters;
  std::uint64_t state_bytes = 0;
};

inline constexpr std::uint64_t kTextBit = 1U << 11;  // TALLY_KERNEL_TYPE_TEXT
inline bool takes_text(const KernelInfo& kernel) {
  return kernel.types == kTextBit;
}

// Of a kernel's types: "f32, f64", "text".
inline std::string type_names(std::uint64_t types, std::string_view between) {
  if (types == kTextBit) return "text";
  std::string names;
  for (std::uint8_t type = 1; type <= kLastElementType; ++type) {
    if ((types >> type & 1U) == 0) continue;
    if (!names.empty()) names += between;
    names += name_of(static_cast<ElementType>(type));
  }
  return names;
}

// A kernel that jobs may name, and where it is.
struct ListedKernel {
  KernelInfo info;
  std::string file;  // "libgeomean.so"
  ImageHash hash{};
  bool in_process = false;  // may run in the daemon's threads
};

struct KernelArgument {
  std::string name;
  std::string value;
};

// One kernel in one task.
struct KernelTask {
  ImageHash image{};
  std::string image_name;              // for messages: "libgeomean.so"
  std::string kernel;                  // its name within the image
  std::vector<std::uint32_t> columns;  // indexes into the task's columns
  std::vector<KernelArgument> arguments;
};

// A value that a kernel's finish gave, under a label of its own ("" for the only one).
struct KernelOutput {
  std::string label;
  std::variant<Int128, double, float, std::string, Error> value;
};

}  // namespace tally::model

// Files for tests: memfds, which are regular files, filled with given bytes.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ipc/base/error.h"
#include "ipc/base/seals.h"
#include "ipc/base/unique_fd.h"

namespace tally::source::test {

inline UniqueFd file_of(std::string_view bytes) {
  UniqueFd file(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_TRUE(file);
  EXPECT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), 0),
            static_cast<ssize_t>(bytes.size()));
  return file;
}

template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(T));
}

inline constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

inline void seal(const UniqueFd& file, int seals) {
  ASSERT_TRUE(add_seals(file.get(), seals));
}

// A field of an error as text; "(none)" if it has none of that name.
inline std::string field(const Error& error, std::string_view name) {
  const Error::FieldValue* value = error.field(name);
  if (value == nullptr) return "(none)";
  if (const auto* number = std::get_if<std::int64_t>(value))
    return std::to_string(*number);
  return std::get<std::string>(*value);
}

inline bool says(const Error& error, std::string_view part) {
  return error.message().find(part) != std::string::npos;
}

// A version 1.0 file as numpy writes it: padded to a multiple of 64 bytes.
inline std::string npy_of(std::string dict, std::string_view data) {
  while ((10 + dict.size() + 1) % 64 != 0) dict += ' ';
  dict += '\n';
  std::string file = "\x93NUMPY";
  file += '\x01';
  file += '\0';
  file += static_cast<char>(dict.size() & 0xFFU);
  file += static_cast<char>(dict.size() >> 8U);
  return file + dict + std::string(data);
}

}  // namespace tally::source::test

#include "client/cli/kernel_project.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include "ipc/base/unique_fd.h"
#include "ipc/model/job_spec.h"
#include "runtime/reduce/reducers.h"

namespace tally::cli {
namespace {

constexpr std::size_t kMaxName = 64;

constexpr std::string_view kSource = R"(// @name@: @summary@
#include <cmath>
#include <tally/tally_kernel.hpp>

struct @Class@ {
  static constexpr auto name = "@name@";
  static constexpr auto summary = "@summary@";

  // The members are the state; each leaf of the input has one of its own.
  double squares = 0;
  std::uint64_t count = 0;

  // Some thousand elements. Take another type, or several spans for several columns,
  // or std::string_view for text.
  void update(std::span<const double> values) {
    for (const double value : values) squares += value * value;
    count += values.size();
  }

  // Takes in what another state saw, the rows after ours.
  void merge(const @Class@& other) {
    squares += other.squares;
    count += other.count;
  }

  tally::kernel::Output finish() const {
    if (count == 0) return tally::kernel::none("@name@ of no elements");
    return std::sqrt(squares / static_cast<double>(count));
  }
};
TALLY_KERNEL(@Class@)
)";

constexpr std::string_view kCMake = R"(cmake_minimum_required(VERSION 3.16)
project(@name@ LANGUAGES CXX)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_package(tally REQUIRED)
add_library(@name@ MODULE @name@.cc)
target_link_libraries(@name@ PRIVATE tally::kernel)

# ctest: holds the kernel against the laws.
enable_testing()
find_program(TALLY tally REQUIRED)
add_test(NAME @name@_keeps_the_laws COMMAND ${TALLY} kernel check $<TARGET_FILE:@name@>)
)";

bool is_kernel_name(const std::string& name) {
  if (name.empty() || name.size() > kMaxName || name[0] < 'a' || name[0] > 'z')
    return false;
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}

// "geo_mean" -> "GeoMean"
std::string class_name(const std::string& name) {
  std::string text;
  bool capital = true;
  for (const char c : name) {
    if (c == '_') {
      capital = true;
      continue;
    }
    text += capital && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    capital = false;
  }
  return text;
}

std::string filled(std::string_view text, const std::string& name) {
  const std::array<std::pair<std::string_view, std::string>, 3> words{{
      {"@name@", name},
      {"@Class@", class_name(name)},
      {"@summary@", "the root of the mean square"},
  }};
  std::string made(text);
  for (const auto& [word, value] : words)
    for (std::size_t at = 0; (at = made.find(word, at)) != std::string::npos;
         at += value.size())
      made.replace(at, word.size(), value);
  return made;
}

Result<void> write_new(const std::string& path, const std::string& text) {
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (!file) return Error::from_errno(path);
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(file.get(), text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return Error::from_errno(path);
    done += static_cast<std::size_t>(wrote);
  }
  return {};
}

// Where CMake has to look for tally: "" where it looks anyway, or where this program is
// not an installed one.
std::string prefix_option() {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return "";
  const auto prefix = self.parent_path().parent_path();
  const auto header = prefix / "include" / "tally" / "tally_kernel.hpp";
  if (prefix == "/usr" || prefix == "/usr/local" || prefix == "/") return "";
  if (!std::filesystem::exists(header, failed)) return "";
  return " -DCMAKE_PREFIX_PATH=" + prefix.string();
}

}  // namespace

Result<std::string> make_kernel_project(const std::string& name) {
  if (!is_kernel_name(name))
    return Error(Errc::InvalidArgument, "bad_kernel_name",
                 "\"" + name +
                     "\" is no name for a kernel: a small letter, then small "
                     "letters, digits and _, at most 64")
        .with("name", name);
  if (reduce::find_reducer(name) != nullptr)
    return Error(Errc::InvalidArgument, "bad_kernel_name",
                 name +
                     " is built in, and a built-in reducer comes first; take another "
                     "name")
        .with("name", name);
  if (::mkdir(name.c_str(), 0777) != 0) {
    if (errno != EEXIST) return Error::from_errno(name);
    return Error(Errc::InvalidArgument, "file_exists",
                 name + " is there already; nothing was written")
        .with("file", name);
  }
  for (const auto& [file, text] : {std::pair(name + ".cc", kSource),
                                   std::pair(std::string("CMakeLists.txt"), kCMake)})
    if (Result<void> wrote = write_new(name + "/" + file, filled(text, name)); !wrote)
      return std::move(wrote).error();
  const std::string library = name + "/build/lib" + name + ".so";
  return name + "/" + name + ".cc is a kernel, " + name +
         "/CMakeLists.txt builds it and tests it. Now:\n\n"
         "  cmake -S " +
         name + " -B " + name + "/build" + prefix_option() + " && cmake --build " +
         name +
         "/build\n"
         "  tally kernel check " +
         library +
         "\n"
         "  tally run " +
         name + " --kernel " + library + " --range 1:1000000\n";
}

}  // namespace tally::cli

// kernel_project: a project for a new kernel, ready to be built.
#pragma once

#include <string>

#include "ipc/base/result.h"

namespace tally::cli {

// Makes the folder NAME with NAME.cc and CMakeLists.txt, and returns what to do next.
// Nothing is ever overwritten. Errors: InvalidArgument "bad_kernel_name",
// "file_exists"; Io "io".
Result<std::string> make_kernel_project(const std::string& name);

}  // namespace tally::cli

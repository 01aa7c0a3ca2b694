#include "client/cli/kernel_arg.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/kernel_file.h"

namespace tally::cli {

std::size_t count_kernels(const Args& args) {
  const std::optional<std::string_view> list = args.value(Option::Kernel);
  if (!list) return 0;
  return 1 + static_cast<std::size_t>(std::ranges::count(*list, ','));
}

Result<void> add_kernels(const Args& args, JobRequest& request) {
  const std::optional<std::string_view> list = args.value(Option::Kernel);
  if (!list) return {};
  std::string_view rest = *list;
  for (;;) {
    const std::size_t comma = rest.find(',');
    const std::string path(rest.substr(0, comma));
    Result<UniqueFd> fd = client::open_kernel_file(path);
    if (!fd) return std::move(fd).error().within("--kernel");
    request.spec.kernels.push_back({client::kernel_file_name(path),
                                    static_cast<std::uint32_t>(request.files.size())});
    request.files.push_back(*std::move(fd));
    if (comma == std::string_view::npos) return {};
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace tally::cli

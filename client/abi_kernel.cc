// The C ABI: the kernels of a job.
#include "client/abi_types.h"
#include "client/kernel_file.h"
#include "ipc/codec/job_codec.h"

namespace tally::client {
namespace {

Result<void> add_kernel(tally_job& job, const char* path) {
  if (path == nullptr) return null_argument("path");
  if (job.spec.kernels.size() >= ipc::kMaxKernelFiles)
    return Error(Errc::InvalidArgument, "too_many_kernels",
                 "a job takes at most " + std::to_string(ipc::kMaxKernelFiles) +
                     " kernel files")
        .with("limit", std::int64_t{ipc::kMaxKernelFiles});
  Result<UniqueFd> fd = open_kernel_file(path);
  if (!fd) return std::move(fd).error();
  job.kernel_fds.push_back(*std::move(fd));
  job.spec.kernels.push_back({kernel_file_name(path), 0});  // its place: at submit
  return {};
}

}  // namespace
}  // namespace tally::client

extern "C" tally_status tally_job_add_kernel(tally_job* job, const char* path,
                                             tally_error** error) {
  using tally::client::boundary;
  return boundary(error, [&]() -> tally::Result<void> {
    if (job == nullptr) return tally::client::null_argument("job");
    return tally::client::add_kernel(*job, path);
  });
}

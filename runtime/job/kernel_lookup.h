// KernelLookup: which kernels a job may name, and what they say of themselves.
//
// A job's own kernels come with it as descriptors; the administrator's are installed at
// the start. What is in an image only a worker can tell, for that means running it:
// each image is described once, by a task of its own, and jobs that need it wait.
//
// Threads: the loop's. Files are read on the helper pool. Lifetime: `helpers` and
// `loop` must outlive it; callbacks are dropped once it is destroyed.
#pragma once

#include <asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/job_spec.h"
#include "runtime/exec/path.h"
#include "runtime/exec/thread/thread_pool.h"
#include "runtime/job/kernel_image.h"
#include "runtime/plan/kernel_plan.h"

namespace tally::job {

// What the administrator says of kernels.
struct KernelPolicy {
  std::vector<std::string> files;       // installed: absolute paths
  std::vector<std::string> in_process;  // names that may run in the daemon's threads
  bool from_clients = true;             // jobs may bring their own
};

// A kernel and the image that it is in.
struct FoundKernels {
  std::vector<plan::KnownKernel> kernels;  // a job's own first
  std::map<model::ImageHash, std::shared_ptr<const KernelImage>> images;
};

class KernelLookup {
 public:
  using Image = std::shared_ptr<const KernelImage>;
  using Infos = std::vector<model::KernelInfo>;
  // Asks a worker what is in the image, for this user; described() brings the answer.
  using Describe = std::function<void(const Image&, std::uint32_t uid)>;
  using Found = std::function<void(Result<FoundKernels>)>;

  KernelLookup(asio::io_context& loop, exec::ThreadPool& helpers, KernelPolicy policy,
               Describe describe);
  ~KernelLookup();

  // Reads the installed images. Blocks: before the loop runs. Errors: NotFound,
  // InvalidArgument, Io, each naming the file.
  Result<void> install();

  // Whether planning the job takes a look at kernels at all.
  bool concerns(const model::JobSpec& spec) const;

  // Calls `found` later, once. `uid`: who asks. `kernels` name `files`, the job's
  // descriptors. Errors: InvalidArgument
  // ("not_a_kernel", "kernel_abi", …), PermissionDenied "kernel_not_allowed",
  // WorkerLost "kernel_crashed", Io.
  void look_up(std::vector<model::KernelFile> kernels,
               std::shared_ptr<const exec::JobFiles> files, std::uint32_t uid,
               Found found);

  void described(const model::ImageHash& hash, Result<Infos> infos);

 private:
  // A request that waits until all its images are described.
  struct Request {
    std::vector<Image> images;
    std::uint32_t uid = 0;
    Found found;
  };

  void images_read(Result<std::vector<Image>> images, std::uint32_t uid, Found found);
  void proceed(std::shared_ptr<Request> request);
  void answer(const Request& request);

  asio::io_context& loop_;
  exec::ThreadPool& helpers_;
  const KernelPolicy policy_;
  const Describe describe_;
  std::shared_ptr<KernelImageReader> reader_ = std::make_shared<KernelImageReader>();
  std::vector<Image> installed_;
  std::map<model::ImageHash, Infos> known_;
  std::map<model::ImageHash, std::vector<std::shared_ptr<Request>>> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tally::job

#include "runtime/job/kernel_lookup.h"

#include <fcntl.h>

#include <asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "ipc/base/guard.h"
#include "runtime/reduce/reducers.h"

namespace tally::job {
namespace {

constexpr std::size_t kMostKnownImages = 1024;  // what is in them; a few hundred bytes

using Images = std::vector<std::shared_ptr<const KernelImage>>;

Error not_allowed() {
  return Error(Errc::PermissionDenied, "kernel_not_allowed",
               "this daemon runs only kernels that its administrator installed "
               "(`tally kernels` lists them); ask for yours to be added to [kernels] "
               "files, or run the job with --embedded");
}

Result<Images> read_images(KernelImageReader& reader,
                           const std::vector<model::KernelFile>& kernels,
                           const exec::JobFiles& files) {
  Images images;
  for (const model::KernelFile& kernel : kernels) {
    if (kernel.descriptor >= files.size())
      return Error(Errc::InvalidArgument, "bad_descriptor",
                   "a kernel names descriptor " + std::to_string(kernel.descriptor) +
                       " of " + std::to_string(files.size()) + " that came");
    auto image = reader.read(files[kernel.descriptor].get(), kernel.name);
    if (!image) return std::move(image).error();
    images.push_back(*std::move(image));
  }
  return images;
}

}  // namespace

KernelLookup::KernelLookup(asio::io_context& loop, exec::ThreadPool& helpers,
                           KernelPolicy policy, Describe describe)
    : loop_(loop),
      helpers_(helpers),
      policy_(std::move(policy)),
      describe_(std::move(describe)) {}

KernelLookup::~KernelLookup() {
  *alive_ = false;
}

Result<void> KernelLookup::install() {
  installed_.clear();
  for (const std::string& path : policy_.files) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) {
      const bool missing = errno == ENOENT;
      Error error = Error::from_errno("[kernels] files: " + path);
      if (!missing) return error;
      return Error(Errc::NotFound, "no_such_kernel_file", error.message())
          .with("file", path);
    }
    auto image = reader_->read(fd.get(), path.substr(path.find_last_of('/') + 1));
    if (!image) return Error(image.error()).within("[kernels] files: " + path);
    installed_.push_back(*std::move(image));
  }
  return {};
}

bool KernelLookup::concerns(const model::JobSpec& spec) const {
  if (!spec.kernels.empty()) return true;
  if (installed_.empty()) return false;
  return std::any_of(
      spec.reducers.begin(), spec.reducers.end(),
      [](const auto& wanted) { return reduce::find_reducer(wanted.name) == nullptr; });
}

void KernelLookup::look_up(std::vector<model::KernelFile> kernels,
                           std::shared_ptr<const exec::JobFiles> files,
                           std::uint32_t uid, Found found) {
  if (!kernels.empty() && !policy_.from_clients) {
    asio::post(loop_, [found = std::move(found), alive = alive_] {
      if (*alive) found(not_allowed());
    });
    return;
  }
  // Of this object only the loop's thread may know whether it is still there.
  helpers_.post([this, &loop = loop_, kernels = std::move(kernels),
                 files = std::move(files), uid, found = std::move(found),
                 reader = reader_, alive = alive_]() mutable {
    auto images =
        std::make_shared<Result<Images>>(guarded("a kernel", Errc::Internal, [&] {
          return read_images(*reader, kernels, *files);
        }));
    asio::post(loop, [this, images, uid, found = std::move(found), alive]() mutable {
      if (*alive) images_read(std::move(*images), uid, std::move(found));
    });
  });
}

void KernelLookup::images_read(Result<Images> images, std::uint32_t uid, Found found) {
  if (!images) return found(std::move(images).error());
  auto request =
      std::make_shared<Request>(Request{*std::move(images), uid, std::move(found)});
  request->images.insert(request->images.end(), installed_.begin(), installed_.end());
  proceed(std::move(request));
}

// Answers, or waits for the first image that is not known yet.
void KernelLookup::proceed(std::shared_ptr<Request> request) {
  for (const Image& image : request->images) {
    if (known_.contains(image->hash)) continue;
    const bool is_first = !waiting_.contains(image->hash);
    const Image asked = image;
    const std::uint32_t uid = request->uid;
    waiting_[asked->hash].push_back(std::move(request));
    if (is_first) describe_(asked, uid);
    return;
  }
  answer(*request);
}

void KernelLookup::described(const model::ImageHash& hash, Result<Infos> infos) {
  const auto found = waiting_.find(hash);
  if (found == waiting_.end()) return;
  const auto requests = std::move(found->second);
  waiting_.erase(found);
  if (infos) {
    // All at once: with one at a time, two images of a job could displace each other
    // for ever.
    if (known_.size() >= kMostKnownImages) known_.clear();
    known_[hash] = *infos;
  }
  for (const auto& request : requests) {
    if (infos)
      proceed(request);
    else
      request->found(infos.error());
  }
}

void KernelLookup::answer(const Request& request) {
  FoundKernels found;
  for (const Image& image : request.images) {
    found.images[image->hash] = image;
    for (const model::KernelInfo& info : known_.at(image->hash)) {
      plan::KnownKernel kernel{info, image->hash, image->name, false};
      const bool is_installed =
          std::any_of(installed_.begin(), installed_.end(),
                      [&](const Image& one) { return one->hash == image->hash; });
      kernel.in_process =
          is_installed &&
          std::find(policy_.in_process.begin(), policy_.in_process.end(), info.name) !=
              policy_.in_process.end();
      found.kernels.push_back(std::move(kernel));
    }
  }
  request.found(std::move(found));
}

}  // namespace tally::job

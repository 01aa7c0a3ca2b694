#include "runtime/kernel/kernel_images.h"

#include <fcntl.h>

#include <utility>

namespace tally::kernels {
namespace {

// Sets the page's words for loading image `index`, and takes them back.
class Loading {
 public:
  Loading(exec::ChunkPage& page, std::uint32_t index) : page_(page) {
    page.kernel.store(index, std::memory_order_relaxed);
    page.file.store(0, std::memory_order_relaxed);
    page.first_row.store(0, std::memory_order_relaxed);
    page.rows.store(0, std::memory_order_relaxed);
    page.call.store(exec::KernelCall::Load, std::memory_order_release);
  }
  ~Loading() { page_.call.store(exec::KernelCall::None, std::memory_order_release); }
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;

 private:
  exec::ChunkPage& page_;
};

Result<std::shared_ptr<const KernelLibrary>> find_image(
    const model::ChunkTask& task, std::uint32_t index, std::span<const int> descriptors,
    const Services& services, exec::ChunkPage& page) {
  if (services.images == nullptr)
    return Error(Errc::Internal, "no_kernels", "no kernels are run here");
  const Loading loading(page, index);
  return services.images->find(task.images[index], descriptors);
}

}  // namespace

void LoadedImages::keep(const model::ChunkTask& task,
                        std::span<const int> descriptors) {
  for (const model::TaskImage& image : task.images) {
    if (!image.descriptor || *image.descriptor >= descriptors.size()) continue;
    if (images_.contains(image.hash) || kept_.contains(image.hash)) continue;
    UniqueFd copy(::fcntl(descriptors[*image.descriptor], F_DUPFD_CLOEXEC, 3));
    if (copy) kept_.emplace(image.hash, std::move(copy));
  }
}

Result<std::shared_ptr<const KernelLibrary>> LoadedImages::find(
    const model::TaskImage& image, std::span<const int> descriptors) {
  if (const auto known = images_.find(image.hash); known != images_.end())
    return known->second;
  const auto kept = kept_.find(image.hash);
  int file = -1;
  if (kept != kept_.end())
    file = kept->second.get();
  else if (image.descriptor && *image.descriptor < descriptors.size())
    file = descriptors[*image.descriptor];
  if (file < 0)
    return Error(Errc::Internal, "no_image",
                 "the file of " + image.name + " did not come with the task");
  auto loaded = KernelLibrary::load(file, image.name);
  // The loader may have lacked memory or descriptors just now: try again next time.
  if (!loaded && loaded.error().code() == "kernel_not_loaded") return loaded;
  if (kept != kept_.end()) kept_.erase(kept);
  return images_.emplace(image.hash, std::move(loaded)).first->second;
}

Result<std::vector<std::vector<model::KernelInfo>>> describe_images(
    const model::ChunkTask& task, std::span<const int> descriptors,
    const Services& services, exec::ChunkPage& page) {
  std::vector<std::vector<model::KernelInfo>> described;
  for (std::uint32_t i = 0; i < task.images.size(); ++i) {
    const auto library = find_image(task, i, descriptors, services, page);
    if (!library) return library.error();
    described.push_back((*library)->describe());
  }
  return described;
}

Result<std::vector<std::unique_ptr<Kernel>>> open_kernels(
    const model::ChunkTask& task, std::span<const int> descriptors,
    const Services& services, exec::ChunkPage& page) {
  std::vector<std::shared_ptr<const KernelLibrary>> libraries;
  for (std::uint32_t i = 0; i < task.images.size(); ++i) {
    auto library = find_image(task, i, descriptors, services, page);
    if (!library) return std::move(library).error();
    libraries.push_back(*std::move(library));
  }
  std::vector<std::unique_ptr<Kernel>> kernels;
  for (std::uint32_t i = 0; i < task.kernels.size(); ++i) {
    std::size_t image = 0;
    while (image < task.images.size() &&
           task.images[image].hash != task.kernels[i].image)
      ++image;
    if (image == task.images.size())
      return Error(
          Errc::Internal, "no_image",
          "the task has not the image of its kernel " + task.kernels[i].kernel);
    auto kernel = Kernel::open(libraries[image], task, i, page, services.sync);
    if (!kernel) return std::move(kernel).error();
    kernels.push_back(*std::move(kernel));
  }
  return kernels;
}

}  // namespace tally::kernels

#include "runtime/kernel/kernel_library.h"

#include <dlfcn.h>
#include <fcntl.h>

#include <optional>
#include <utility>

#include "ipc/base/guard.h"
#include "ipc/base/unique_fd.h"
#include "runtime/kernel/elf_check.h"
#include "runtime/kernel/float_guard.h"
#include "runtime/kernel/kernel_table.h"

namespace tally::kernels {
namespace {

struct Symbol {
  const tally_kernel* const* (*list_kernels)() = nullptr;
};

Error refused(std::string code, const std::string& image, const std::string& what) {
  return Error(Errc::InvalidArgument, std::move(code), image + what)
      .with("image", image);
}

// The loader names the file by the path it was given, which says nothing to anybody.
std::string loader_words(const std::string& path) {
  const char* words = ::dlerror();
  std::string text = words == nullptr ? "no reason given" : words;
  if (const auto at = text.find(path); at != std::string::npos) {
    text.erase(at, path.size());
    if (text.starts_with(": ")) text.erase(0, 2);
  }
  return text;
}

Result<Symbol> open_object(int descriptor, const std::string& name) {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr)
    return refused("kernel_not_loaded", name,
                   " could not be loaded: " + loader_words(path));
  void* const symbol = ::dlsym(object, "tally_kernels");
  if (symbol == nullptr)
    return refused("not_a_kernel", name,
                   " is a shared object without the symbol tally_kernels, so it has no "
                   "kernels");
  return Symbol{reinterpret_cast<const tally_kernel* const* (*)()>(symbol)};
}

}  // namespace

Result<std::shared_ptr<const KernelLibrary>> KernelLibrary::load(int descriptor,
                                                                 std::string name) {
  if (Result<void> elf = check_elf(descriptor, name); !elf)
    return std::move(elf).error();
  UniqueFd own(::fcntl(descriptor, F_DUPFD_CLOEXEC, 3));
  if (!own) return Error::from_errno(name);

  const FloatGuard floats;
  const int number = own.release();  // for good: see above
  Result<const tally_kernel* const*> list =
      guarded(name, Errc::InvalidArgument, [&]() -> Result<const tally_kernel* const*> {
        const Result<Symbol> symbol = open_object(number, name);
        if (!symbol) return symbol.error();
        return symbol->list_kernels();
      });
  if (!list) {
    if (list.error().code() != "invalid_argument") return std::move(list).error();
    return Error(Errc::InvalidArgument, "kernel_threw",
                 "while it was loaded, " + list.error().message())
        .with("image", name);
  }
  auto library = std::shared_ptr<KernelLibrary>(new KernelLibrary);
  if (*list != nullptr) {
    for (std::size_t i = 0; (*list)[i] != nullptr; ++i) {
      if (i == kMaxKernels)
        return refused("bad_kernel", name,
                       ": more than " + std::to_string(kMaxKernels) +
                           " kernels, or a list that does not end with NULL");
      Result<model::KernelInfo> info = check_table(*(*list)[i], i, name);
      if (!info) return std::move(info).error();
      if (library->find(info->name).table != nullptr)
        return refused("bad_kernel", name, ": two kernels are called " + info->name);
      library->tables_.push_back((*list)[i]);
      library->infos_.push_back(*std::move(info));
    }
  }
  if (library->tables_.empty())
    return refused("bad_kernel", name, ": its tally_kernels() lists no kernels");
  library->name_ = std::move(name);
  return std::shared_ptr<const KernelLibrary>(std::move(library));
}

KernelLibrary::Entry KernelLibrary::find(std::string_view kernel) const {
  for (std::size_t i = 0; i < infos_.size(); ++i)
    if (infos_[i].name == kernel) return {tables_[i], &infos_[i]};
  return {};
}

}  // namespace tally::kernels

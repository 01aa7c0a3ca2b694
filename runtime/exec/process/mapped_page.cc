#include "runtime/exec/process/mapped_page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <new>

namespace tally::exec {

Result<UniqueFd> make_page() {
  UniqueFd fd(static_cast<int>(
      ::syscall(SYS_memfd_create, "tally-page", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  if (!fd) return Error::from_errno("memfd_create");
  if (::ftruncate(fd.get(), ::sysconf(_SC_PAGESIZE)) != 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return Error::from_errno("a worker's page");
  return fd;
}

Result<MappedPage> MappedPage::map(int fd) {
  void* at =
      ::mmap(nullptr, sizeof(ChunkPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return Error::from_errno("mmap of a worker's page");
  return MappedPage(::new (at) ChunkPage);
}

MappedPage::~MappedPage() {
  if (page_ != nullptr) ::munmap(page_, sizeof(ChunkPage));
}

}  // namespace tally::exec

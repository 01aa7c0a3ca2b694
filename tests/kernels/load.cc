// A sound kernel in an object that does something while it is loaded, chosen when it is
// built. LOAD_COUNTED adds a byte to the file that $TALLY_KERNEL_LOADS names, so that
// loads can be counted from outside.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include <tally/tally_kernel.h>

namespace {

[[maybe_unused]] volatile int zero = 0;
[[maybe_unused]] volatile int* volatile nowhere = nullptr;

__attribute__((constructor)) void loaded() {
#if defined(LOAD_SEGV)
  *nowhere = 1;
#elif defined(LOAD_ABORT)
  std::abort();
#elif defined(LOAD_FPE)
  ::raise(SIGFPE);
#elif defined(LOAD_EXIT0)
  std::exit(0);
#elif defined(LOAD_LOOP)
  while (zero == 0) {
  }
#elif defined(LOAD_COUNTED)
  const char* path = std::getenv("TALLY_KERNEL_LOADS");
  const int fd = path == nullptr ? -1 : ::open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0 || ::write(fd, "x", 1) != 1) std::abort();
  ::close(fd);
#endif
}

int update(tally_kernel_run*, void* state, const tally_kernel_block* block) {
  *static_cast<unsigned long*>(state) += block->count;
  return 0;
}
int merge(tally_kernel_run*, void* into, const void* from) {
  *static_cast<unsigned long*>(into) += *static_cast<const unsigned long*>(from);
  return 0;
}
int finish(tally_kernel_run* run, const void* state) {
  return tally_kernel_emit_int(
      run, "", static_cast<long>(*static_cast<const unsigned long*>(state)));
}

constexpr tally_kernel kLoaded = {TALLY_KERNEL_ABI,
                                  sizeof(tally_kernel),
                                  "loaded",
                                  "how many elements there are",
                                  TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_F64),
                                  1,
                                  TALLY_KERNEL_EXACT,
                                  nullptr,
                                  0,
                                  sizeof(unsigned long),
                                  nullptr,
                                  update,
                                  merge,
                                  finish,
                                  nullptr,
                                  nullptr,
                                  nullptr};

}  // namespace

const tally_kernel* const* tally_kernels(void) {
  static const tally_kernel* const kernels[] = {&kLoaded, nullptr};
  return kernels;
}

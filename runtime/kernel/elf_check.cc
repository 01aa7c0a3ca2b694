#include "runtime/kernel/elf_check.h"

#include <elf.h>
#include <sys/stat.h>

#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/source/positioned_read.h"

namespace tally::kernels {
namespace {

#if defined(__x86_64__)
constexpr unsigned kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kMachine = EM_AARCH64;
#else
constexpr unsigned kMachine = EM_NONE;  // any
#endif
constexpr std::size_t kMostSegments = 1024;

Error not_a_kernel(const std::string& name, const std::string& what) {
  return Error(Errc::InvalidArgument, "not_a_kernel", name + " " + what)
      .with("image", name);
}

Result<void> check_header(const Elf64_Ehdr& header, const std::string& name) {
  if (header.e_ident[EI_CLASS] != ELFCLASS64)
    return not_a_kernel(name, "is a shared object of another word size");
  if (header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_version != EV_CURRENT)
    return not_a_kernel(name, "is a shared object of another byte order or version");
  if (header.e_type != ET_DYN)
    return not_a_kernel(name, header.e_type == ET_REL
                                  ? "is an object file; link it with -shared"
                                  : "is no shared object; link it with -shared");
  if (kMachine != EM_NONE && header.e_machine != kMachine)
    return not_a_kernel(name, "was built for another kind of processor (ELF machine " +
                                  std::to_string(header.e_machine) + ")");
  if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 ||
      header.e_phnum > kMostSegments)
    return not_a_kernel(name, "has an ELF header that makes no sense");
  return {};
}

}  // namespace

Result<void> check_elf(int descriptor, const std::string& name) {
  struct stat about {};
  if (::fstat(descriptor, &about) != 0) return Error::from_errno(name);
  if (!S_ISREG(about.st_mode)) return not_a_kernel(name, "is no regular file");
  const auto size = static_cast<std::uint64_t>(about.st_size);

  Elf64_Ehdr header{};
  const auto head = std::as_writable_bytes(std::span(&header, 1));
  const Result<std::size_t> got = source::pread_full(descriptor, head, 0);
  if (!got) return got.error();
  if (*got == 0) return not_a_kernel(name, "is empty");
  if (*got < SELFMAG || std::memcmp(&header, ELFMAG, SELFMAG) != 0) {
    const bool script = std::memcmp(&header, "#!", 2) == 0;
    return not_a_kernel(name, script ? "is a script, not a shared object (ELF)"
                                     : "is not a shared object (ELF)");
  }
  if (*got < sizeof header) return not_a_kernel(name, "ends within its ELF header");
  if (Result<void> fits = check_header(header, name); !fits) return fits;

  std::vector<Elf64_Phdr> segments(header.e_phnum);
  const auto table = std::as_writable_bytes(std::span(segments));
  const Result<std::size_t> read =
      source::pread_full(descriptor, table, header.e_phoff);
  if (!read) return read.error();
  bool whole = *read == table.size();
  for (const Elf64_Phdr& segment : segments)
    if (whole && segment.p_type == PT_LOAD)
      whole = segment.p_filesz <= size && segment.p_offset <= size - segment.p_filesz;
  if (!whole) return not_a_kernel(name, "is cut short: it ends before its segments do");
  return {};
}

}  // namespace tally::kernels

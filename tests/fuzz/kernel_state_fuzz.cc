// What chunks gave of user kernels, as a worker merges it: any bytes are states of the
// kernel, the same each time, or an error that names a code. One kernel travels
// by save and load (words), one as the plain bytes of its state (csum).
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <vector>

#include "ipc/base/check.h"
#include "ipc/base/unique_fd.h"
#include "runtime/kernel/kernel_merge.h"
#include "tests/fuzz/input.h"

namespace {

using namespace tally;
using Bytes = std::vector<std::byte>;

struct Loaded {
  Loaded(const char* path, const char* name) {
    const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    auto loaded = kernels::KernelLibrary::load(file.get(), name);
    TALLY_CHECK(loaded);
    model::KernelTask& own = task.kernels.emplace_back();
    own.image_name = name;
    own.kernel = name;
    own.columns = {0};
    task.columns.resize(1);
    auto opened = kernels::Kernel::open(*loaded, task, 0, page, {});
    TALLY_CHECK(opened);
    kernel.push_back(*std::move(opened));
  }

  exec::ChunkPage page;
  model::ChunkTask task;
  std::vector<std::unique_ptr<kernels::Kernel>> kernel;  // the one
};

// The file that a merge is given: as it should be, or of any bytes.
Bytes file_of(fuzz::Input& input, std::size_t states) {
  if ((input.byte() & 1U) != 0) {
    const auto rest = input.rest();
    return {rest.begin(), rest.end()};
  }
  Bytes file;
  for (std::size_t i = 0; i < states; ++i) {
    const auto state = input.take(input.byte());
    file.push_back(static_cast<std::byte>(state.size()));
    file.resize(file.size() + 7);
    file.insert(file.end(), state.begin(), state.end());
  }
  return file;
}

void check_round_trip(kernels::Kernel& kernel, std::span<const std::byte> bytes) {
  const auto state = kernel.deserialise(bytes);
  if (!state) return;
  const auto once = kernel.serialise(*state);
  TALLY_CHECK(once);
  const auto again = kernel.deserialise(*once);
  TALLY_CHECK(again);
  const auto twice = kernel.serialise(*again);
  TALLY_CHECK(twice && *twice == *once);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array<std::unique_ptr<Loaded>, 2> kLoaded{
      std::make_unique<Loaded>(WORDS_KERNEL, "words"),
      std::make_unique<Loaded>(CSUM_KERNEL, "csum")};
  fuzz::Input input(data, size);
  const auto& kernel = kLoaded[input.byte() % kLoaded.size()]->kernel;
  check_round_trip(*kernel.front(), input.rest());

  model::MergePiece piece;
  piece.levels.resize(input.byte() % 5);
  for (std::uint8_t& level : piece.levels) level = input.byte();
  const Bytes content = file_of(input, piece.levels.size());
  const UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC));
  TALLY_CHECK(file && ::write(file.get(), content.data(), content.size()) ==
                          static_cast<ssize_t>(content.size()));
  piece.bytes = content.size();
  const int descriptors[] = {file.get()};
  const auto merged = kernels::merge_states(piece, descriptors, kernel);
  const auto again = kernels::merge_states(piece, descriptors, kernel);
  TALLY_CHECK(static_cast<bool>(merged) == static_cast<bool>(again));
  if (!merged) {
    TALLY_CHECK(!merged.error().code().empty());
    TALLY_CHECK(merged.error().message() == again.error().message());
    return 0;
  }
  const auto labels = [](const auto& outputs) {
    TALLY_CHECK(outputs.size() == 1);  // one list a kernel
    std::vector<std::string> all;
    for (const model::KernelOutput& output : outputs.front())
      all.push_back(output.label);
    return all;
  };
  TALLY_CHECK(labels(*merged) == labels(*again));
  return 0;
}

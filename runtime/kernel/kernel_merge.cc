#include "runtime/kernel/kernel_merge.h"

#include <array>

#include "runtime/kernel/state_tree.h"
#include "runtime/source/positioned_read.h"

namespace tally::kernels {
namespace {

constexpr char kName[] = "the states of the chunks";

// The states one after another.
class StateFile {
 public:
  StateFile(int descriptor, std::uint64_t bytes)
      : descriptor_(descriptor), end_(bytes) {}

  // Until the next call.
  Result<std::span<const std::byte>> next() {
    std::array<std::byte, 8> head{};
    if (end_ - at_ < head.size()) return cut_short();
    if (auto read = source::pread_exactly(descriptor_, head, at_, kName); !read)
      return std::move(read).error();
    at_ += head.size();
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < head.size(); ++i)
      size |= std::to_integer<std::uint64_t>(head[i]) << (8 * i);
    if (size > end_ - at_ || size > HostRun::kMaxWritten) return cut_short();
    buffer_.resize(size);
    if (auto read = source::pread_exactly(descriptor_, buffer_, at_, kName); !read)
      return std::move(read).error();
    at_ += size;
    return std::span<const std::byte>(buffer_);
  }

  bool at_end() const { return at_ == end_; }

  static Error cut_short() {
    return Error(Errc::Internal, "the states of the chunks are not as they should be");
  }

 private:
  const int descriptor_;
  const std::uint64_t end_;
  std::uint64_t at_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace

Result<std::vector<std::vector<model::KernelOutput>>> merge_states(
    const model::MergePiece& piece, std::span<const int> descriptors,
    const std::vector<std::unique_ptr<Kernel>>& kernels) {
  if (piece.descriptor >= descriptors.size())
    return Error(Errc::Internal, "a merge that does not fit: no such descriptor");
  StateFile file(descriptors[piece.descriptor], piece.bytes);
  std::vector<StateTree> trees;
  trees.reserve(kernels.size());
  for (const auto& kernel : kernels) trees.emplace_back(*kernel);
  for (const std::uint8_t level : piece.levels) {
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      const auto bytes = file.next();
      if (!bytes) return bytes.error();
      Result<KernelState> state = kernels[i]->deserialise(*bytes);
      if (!state) return std::move(state).error();
      if (auto pushed = trees[i].push(*std::move(state), level); !pushed)
        return std::move(pushed).error();
    }
  }
  if (!file.at_end()) return StateFile::cut_short();
  std::vector<std::vector<model::KernelOutput>> outputs;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const Result<KernelState> root = trees[i].take();
    if (!root) return root.error();
    auto finished = kernels[i]->finish(*root);
    if (!finished) return std::move(finished).error();
    outputs.push_back(*std::move(finished));
  }
  return outputs;
}

}  // namespace tally::kernels

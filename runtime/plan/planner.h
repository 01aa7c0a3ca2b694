// Planner: cuts a job into leaves and chunks.
//
// A leaf is 65,536 elements (1 MiB of csv) and never crosses a file. A chunk is an
// aligned run of 2^k leaves, a subtree of the reduction tree; it may span small files.
// A file of csv or text is one chunk for now, and so is each file of a job with
// streams. Everything here is a function of the job alone, but for k, which the number
// of slots may choose: the tree over leaves is the same for any k.
//
// Pure: no I/O. What needs I/O (sizes, headers) comes in as a source::Inspection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/base/unique_fd.h"
#include "ipc/model/chunk_task.h"
#include "ipc/model/job_spec.h"
#include "runtime/plan/path_choice.h"
#include "runtime/plan/reduction.h"
#include "runtime/source/inspect.h"

namespace tally::plan {

inline constexpr std::uint64_t kLeafElements = 65'536;
inline constexpr std::uint64_t kLeafBytes = 1U << 20;  // of csv and text
// Of a job whose files come in windows a chunk spans at most so many files, less what
// goes with its task for kernels.
inline constexpr std::size_t kMostChunkFiles = 64;
inline constexpr std::uint32_t kMaxChunks = 1U << 16;  // of one job

struct PlannedFile {
  source::InspectedFile file;
  std::uint64_t first_leaf = 0;  // among all leaves of the job
  std::uint64_t leaves = 0;
  std::uint64_t size = 0;  // elements, or bytes for csv
};

class Plan {
 public:
  using Part = std::optional<model::LeafRange>;  // none: the whole chunk

  // `inspection` is needed for files and memory only. Errors: InvalidArgument
  // "too_many_chunks", "reducer_type", "kernel_type", "quantile_of_stream",
  // those of check_array_pair().
  static Result<Plan> make(const model::JobSpec& spec, Reduction reduction,
                           PathChoice choice, source::Inspection inspection);

  const Reduction& reduction() const { return reduction_; }
  const PathChoice& choice() const { return choice_; }
  model::ElementType type() const { return type_; }
  bool in_bytes() const { return in_bytes_; }
  bool has_streams() const { return streams_; }  // then size() is that of the others
  std::uint64_t streams() const;                 // how many
  std::uint32_t chunks() const { return chunks_; }
  std::uint64_t leaves() const { return leaves_; }
  std::uint64_t chunk_size() const { return chunk_leaves_ * leaf_size(); }
  std::uint64_t input_bytes() const { return input_bytes_; }
  std::uint64_t size() const { return size_; }  // elements, or bytes for csv
  // Slots that the job can use: the choice's, but not more than chunks.
  std::uint32_t parallel() const;
  bool tiny() const;  // its chunks take microseconds and may share a dispatch

  const std::string& file_name(std::uint32_t file) const;
  bool has_files() const { return !names_.empty(); }
  std::size_t files() const { return names_.size(); }
  std::vector<std::uint64_t> file_sizes() const;

  // Into how many leaves a chunk can be divided, each with a task of its own. Files of
  // csv and text cannot, nor can a job with kernels that is one chunk.
  std::uint64_t divisible_leaves(std::uint32_t chunk) const;
  // The height of the subtree that a chunk, or a part of one, is in the tree of leaves.
  std::uint8_t level(const Part& part) const;

  // The task of one attempt at one chunk, or at a part of it; its pieces name
  // descriptors by their place in the task's own list, which `descriptors` gives as
  // indexes into the job's.
  model::ChunkTask task(const model::JobSpec& spec, const model::ChunkKey& key,
                        const Part& part,
                        std::vector<std::uint32_t>& descriptors) const;
  std::vector<model::Span> spans(std::uint32_t chunk, const Part& part = {}) const;
  std::optional<std::uint64_t> elements(std::uint32_t chunk,
                                        const Part& part = {}) const;
  // Elements or bytes.
  std::uint64_t chunk_extent(std::uint32_t chunk, const Part& part = {}) const;
  std::vector<std::uint32_t> files_of(std::uint32_t chunk) const;  // that it reads
  // Where element `begin` of a file is, or byte `begin` of csv and text.
  std::uint64_t byte_offset(std::uint32_t file, std::uint64_t begin) const;
  // The file that the chunk reads, if it is a stream: how long it is shows at its end.
  std::optional<std::uint32_t> stream_of(std::uint32_t chunk) const;

 private:
  Plan() = default;
  std::uint64_t leaf_size() const { return in_bytes_ ? kLeafBytes : kLeafElements; }
  // Each file is one chunk.
  bool whole_files() const { return in_bytes_ || streams_; }
  Result<void> cut(std::uint64_t wanted_chunk_size, std::size_t most_files);
  bool spans_at_most(std::uint64_t chunk_leaves, std::size_t files) const;
  template <typename F>
  void for_each_run(std::uint32_t chunk, const Part& part, F&& f) const;

  Reduction reduction_;
  PathChoice choice_;
  model::ElementType type_ = model::ElementType::F64;
  bool in_bytes_ = false;
  bool streams_ = false;
  std::vector<PlannedFile> files_;  // one nameless entry for range and values
  std::optional<source::InspectedFile>
      partner_;                     // of one array: that it is paired with
  std::vector<std::string> names_;  // names; empty for sources without files
  std::uint64_t size_ = 0;
  std::uint64_t leaves_ = 0;
  std::uint64_t chunk_leaves_ = 1;
  std::uint32_t chunks_ = 0;
  std::uint64_t input_bytes_ = 0;
};

}  // namespace tally::plan

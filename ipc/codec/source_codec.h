// Codec of what a job reduces, by which kernels, and within which limits
// (ipc/schema/job.capnp).
#pragma once

#include <cstddef>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/model/job_spec.h"
#include "ipc/schema/job.capnp.h"

namespace tally::ipc {

inline constexpr unsigned kMaxFiles = 64;  // whose descriptors come along
inline constexpr unsigned kMaxWindowedFiles = 65'536;
inline constexpr unsigned kMaxKernelFiles = 16;

void write_source(schema::JobSpec::Source::Builder to, const model::Source& source);
// Errors: InvalidArgument "bad_enum", "too_many_files".
Result<model::Source> read_source(schema::JobSpec::Source::Reader from);

void write_limits(capnp::List<schema::TokenLimit>::Builder to,
                  const std::vector<model::TokenLimit>& limits);
// Errors: InvalidArgument "bad_limit".
Result<std::vector<model::TokenLimit>> read_limits(
    capnp::List<schema::TokenLimit>::Reader from);

void write_kernel_files(capnp::List<schema::FilesSource::File>::Builder to,
                        const std::vector<model::KernelFile>& files);
// Errors: InvalidArgument "too_many_kernels".
Result<std::vector<model::KernelFile>> read_kernel_files(
    capnp::List<schema::FilesSource::File>::Reader from);

void write_dialect(schema::CsvDialect::Builder to, const model::CsvDialect& dialect);
model::CsvDialect read_dialect(schema::CsvDialect::Reader from);

// The bytes of a Data field; and back.
std::vector<std::byte> read_bytes(capnp::Data::Reader from);
inline capnp::Data::Reader to_data(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

}  // namespace tally::ipc

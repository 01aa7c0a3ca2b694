// Codec of job specs and answers (ipc/schema/job.capnp).
#pragma once

#include "ipc/base/result.h"
#include "ipc/codec/common_codec.h"
#include "ipc/model/job_answer.h"
#include "ipc/model/job_spec.h"
#include "ipc/schema/job.capnp.h"

namespace tally::ipc {

inline constexpr unsigned kMaxReducers = 256;
inline constexpr unsigned kMaxFiles = 64;  // whose descriptors come along
inline constexpr unsigned kMaxWindowedFiles = 65'536;
inline constexpr unsigned kMaxKernelFiles = 16;

void write_spec(schema::JobSpec::Builder to, const model::JobSpec& spec);
// Errors: InvalidArgument for numbers out of range, too many reducers or files. What a
// spec means is checked later, where it is planned.
Result<model::JobSpec> read_spec(schema::JobSpec::Reader from);

void write_answer(schema::JobAnswer::Builder to, const model::JobAnswer& answer);
Result<model::JobAnswer> read_answer(schema::JobAnswer::Reader from);

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

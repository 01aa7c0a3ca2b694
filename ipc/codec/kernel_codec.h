// Codec of kernels (ipc/schema/kernel.capnp). As all codecs: total, without policy.
#pragma once

#include "ipc/base/result.h"
#include "ipc/codec/common_codec.h"
#include "ipc/model/chunk_task.h"
#include "ipc/model/kernel.h"
#include "ipc/schema/kernel.capnp.h"

namespace tally::ipc {

// Precondition: `to` has 32 bytes.
void write_hash(capnp::Data::Builder to, const model::ImageHash& hash);
// Errors: InvalidArgument "bad_hash".
Result<model::ImageHash> read_hash(capnp::Data::Reader from);

void write_image(schema::TaskImage::Builder to, const model::TaskImage& image);
Result<model::TaskImage> read_image(schema::TaskImage::Reader from);

void write_kernel_task(schema::KernelTask::Builder to, const model::KernelTask& task);
Result<model::KernelTask> read_kernel_task(schema::KernelTask::Reader from);

void write_kernel_info(schema::KernelInfo::Builder to, const model::KernelInfo& info);
model::KernelInfo read_kernel_info(schema::KernelInfo::Reader from);

void write_output(schema::KernelOutput::Builder to, const model::KernelOutput& output);
model::KernelOutput read_output(schema::KernelOutput::Reader from);

}  // namespace tally::ipc

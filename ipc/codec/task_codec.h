// Codec of one task of a worker: what it reduces, of which input
// (ipc/schema/worker.capnp).
#pragma once

#include <cstdint>

#include "ipc/base/result.h"
#include "ipc/model/chunk_task.h"
#include "ipc/schema/worker.capnp.h"

namespace tally::ipc {

void write_key(schema::ChunkKey::Builder to, const model::ChunkKey& key);
model::ChunkKey read_key(schema::ChunkKey::Reader from);

// Errors: InvalidArgument "bad_enum".
Result<model::Family> read_family(std::uint8_t number);

// All but where its descriptors are.
void write_task(schema::ChunkTask::Builder to, const model::ChunkTask& task);
// Errors: InvalidArgument "bad_enum", "bad_task", and those of kernels.
Result<model::ChunkTask> read_task(schema::ChunkTask::Reader from);

}  // namespace tally::ipc

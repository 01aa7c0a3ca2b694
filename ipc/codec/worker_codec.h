// Codec of what daemon and workers say to each other (ipc/schema/worker.capnp).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "ipc/base/result.h"
#include "ipc/message.h"
#include "ipc/model/chunk_task.h"

namespace tally::ipc {

// A worker's first message.
struct WorkerReady {
  std::uint32_t protocol = 0;
  std::string build;
  std::uint32_t pid = 0;
};

// One task of an assignment and where its descriptors are among the frame's.
struct AssignedTask {
  model::ChunkTask task;
  std::uint32_t first_descriptor = 0;
  std::uint32_t descriptors = 0;
};

// Numbers of arrays (FilePieces::kept_array) that the worker needs no more.
struct ForgetArrays {
  std::vector<std::uint64_t> numbers;
};

using WorkerMessage = std::variant<WorkerReady, std::vector<AssignedTask>,
                                   std::vector<model::ChunkOutcome>, ForgetArrays>;

// Errors: InvalidArgument "message_too_large".
Result<void> append_worker_message(Bytes& out, std::uint16_t fd_count,
                                   const WorkerMessage& message);

// Total. Errors: ProtocolViolation, InvalidArgument; a sender of either is broken.
Result<WorkerMessage> read_worker_message(std::span<const std::byte> body);

}  // namespace tally::ipc

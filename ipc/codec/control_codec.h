// Codec of requests, replies and events (ipc/schema/control.capnp).
//
// append_* add one whole frame to `out`; read_* take a frame's body. Reading is total:
// any body gives a value or an Error (InvalidArgument for a well-formed frame whose
// contents are wrong, ProtocolViolation for one that is no message).
#pragma once

#include <cstdint>
#include <span>

#include "ipc/base/clock.h"
#include "ipc/base/result.h"
#include "ipc/message.h"
#include "ipc/model/request.h"

namespace tally::ipc {

// Errors: InvalidArgument "message_too_large".
Result<void> append_request(Bytes& out, std::uint32_t sequence, std::uint16_t fd_count,
                            const model::Request& request);
Result<model::Request> read_request(std::span<const std::byte> body);

// A reply over the limit is replaced by an Error reply that says so.
void append_reply(Bytes& out, std::uint32_t sequence, const model::Reply& reply);
// The reply that ends a job. Its times are completed here, as encoding is a phase of
// its own: reply is what passed since `reply_started_ns`, total that and `elapsed_ns`
// (from the request's arrival to the answer), other the residue.
void append_answer(Bytes& out, std::uint32_t sequence, const model::JobAnswer& answer,
                   Nanoseconds elapsed_ns, Nanoseconds reply_started_ns);
Result<model::Reply> read_reply(std::span<const std::byte> body);

void append_event(Bytes& out, std::uint32_t sequence, const model::Event& event);
Result<model::Event> read_event(std::span<const std::byte> body);

}  // namespace tally::ipc

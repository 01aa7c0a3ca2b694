// The C ABI: what an answer says about its job.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "client/abi_types.h"
#include "client/answer_json.h"

namespace tally::client {
namespace {

std::uint64_t figure(const std::optional<std::uint64_t>& measured) {
  return measured.value_or(TALLY_UNMEASURED);
}

tally_times times_of(const tally_answer& answer) {
  const model::JobTimes& time = answer.answer.time;
  return {sizeof(tally_times), time.queue_ns,    time.plan_ns,      time.run_ns,
          time.merge_ns,       time.reply_ns,    time.other_ns,     time.total_ns,
          answer.transport_ns, time.cpu_user_ns, time.cpu_system_ns};
}

tally_memory memory_of(const model::JobMemory& memory) {
  return {sizeof(tally_memory),
          figure(memory.peak_rss_bytes),
          figure(memory.workers_pss_bytes),
          figure(memory.workers_anon_bytes),
          memory.daemon_rss_bytes,
          memory.input_bytes,
          memory.system_used_percent};
}

tally_worker_usage usage_of(const model::WorkerUsage& usage) {
  return {sizeof(tally_worker_usage),
          usage.worker,
          usage.pid,
          usage.chunks,
          usage.elements,
          usage.run_ns,
          usage.cpu_ns,
          figure(usage.peak_rss_bytes)};
}

}  // namespace

std::unique_ptr<tally_answer> make_answer(model::JobAnswer answer,
                                          std::uint64_t wall_ns) {
  auto made = std::make_unique<tally_answer>();
  made->answer = std::move(answer);
  made->transport_ns = transport_of(wall_ns, made->answer.time.total_ns);
  made->job = model::to_string(made->answer.id);
  made->results.reserve(made->answer.results.size());
  for (const model::ReducerResult& result : made->answer.results) {
    tally_result& view = made->results.emplace_back();
    view.result = &result;
    view.text = text_of(result.value);
    if (result.error) view.error.emplace(*result.error);
  }
  if (std::optional<Error> failure = failure_of(made->answer))
    made->error.emplace(*std::move(failure));
  return made;
}

std::optional<Error> failure_of(const model::JobAnswer& answer) {
  switch (answer.state) {
    case model::JobState::Queued:  // a detached job's acceptance
    case model::JobState::Running:
    case model::JobState::Done: return std::nullopt;
    default: break;
  }
  if (answer.error) return answer.error;
  if (answer.state == model::JobState::Partial)
    return Error(Errc::Partial, "the answer does not cover all of the input");
  return Error(Errc::Internal, "the job ended " + std::string(name_of(answer.state)) +
                                   " and the daemon gave no reason");
}

}  // namespace tally::client

using tally::Error;
using tally::Result;
using tally::client::boundary;
using tally::client::null_argument;

extern "C" {

void tally_answer_free(tally_answer* answer) {
  delete answer;
}

tally_state tally_answer_state(const tally_answer* answer) {
  return answer == nullptr ? 0 : static_cast<tally_state>(answer->answer.state);
}

const char* tally_answer_state_name(const tally_answer* answer) {
  // A view of a string literal: NUL-terminated.
  return answer == nullptr ? "" : tally::model::name_of(answer->answer.state).data();
}

const char* tally_answer_job(const tally_answer* answer) {
  return answer == nullptr ? "" : answer->job.c_str();
}

tally_path tally_answer_path(const tally_answer* answer) {
  return answer == nullptr ? 0 : static_cast<tally_path>(answer->answer.path);
}

const char* tally_answer_reason(const tally_answer* answer) {
  return answer == nullptr ? "" : answer->answer.reason.c_str();
}

uint32_t tally_answer_workers(const tally_answer* answer) {
  return answer == nullptr ? 0 : answer->answer.workers;
}

uint64_t tally_answer_chunks(const tally_answer* answer) {
  return answer == nullptr ? 0 : answer->answer.chunks;
}

uint64_t tally_answer_retries(const tally_answer* answer) {
  return answer == nullptr ? 0 : answer->answer.retries;
}

const tally_error* tally_answer_error(const tally_answer* answer) {
  return answer == nullptr || !answer->error ? nullptr : &*answer->error;
}

tally_status tally_answer_elements(const tally_answer* answer, tally_elements* elements,
                                   tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (answer == nullptr) return null_argument("answer");
    const auto& counts = answer->answer.elements;
    return tally::client::fill(
        elements, tally_elements{sizeof(tally_elements), counts.seen, counts.kept,
                                 counts.missing, counts.filtered});
  });
}

tally_status tally_answer_times(const tally_answer* answer, tally_times* times,
                                tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (answer == nullptr) return null_argument("answer");
    return tally::client::fill(times, tally::client::times_of(*answer));
  });
}

tally_status tally_answer_memory(const tally_answer* answer, tally_memory* memory,
                                 tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (answer == nullptr) return null_argument("answer");
    return tally::client::fill(memory, tally::client::memory_of(answer->answer.memory));
  });
}

tally_status tally_answer_copy(const tally_answer* answer, tally_copy* copy,
                               tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (answer == nullptr) return null_argument("answer");
    return tally::client::fill(
        copy, tally_copy{sizeof(tally_copy), answer->copied.bytes, answer->copied.ns});
  });
}

size_t tally_answer_worker_count(const tally_answer* answer) {
  return answer == nullptr ? 0 : answer->answer.worker_usage.size();
}

tally_status tally_answer_worker(const tally_answer* answer, size_t index,
                                 tally_worker_usage* usage, tally_error** error) {
  return boundary(error, [&]() -> Result<void> {
    if (answer == nullptr) return null_argument("answer");
    const auto& workers = answer->answer.worker_usage;
    if (index >= workers.size())
      return Error(tally::Errc::InvalidArgument, "out_of_range",
                   "the answer has " + std::to_string(workers.size()) + " workers");
    return tally::client::fill(usage, tally::client::usage_of(workers[index]));
  });
}

const char* tally_answer_json(tally_answer* answer) {
  if (answer == nullptr) return nullptr;
  const tally_status made = boundary(nullptr, [&]() -> Result<void> {
    if (answer->json.empty())
      answer->json = tally::client::answer_to_json(answer->answer, answer->transport_ns,
                                                   answer->copied);
    return {};
  });
  return made == TALLY_OK ? answer->json.c_str() : nullptr;
}

size_t tally_answer_result_count(const tally_answer* answer) {
  return answer == nullptr ? 0 : answer->results.size();
}

const tally_result* tally_answer_result(const tally_answer* answer, size_t index) {
  if (answer == nullptr || index >= answer->results.size()) return nullptr;
  return &answer->results[index];
}

}  // extern "C"

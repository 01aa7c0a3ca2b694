#include "ipc/codec/worker_codec.h"

#include <utility>
#include <variant>
#include <vector>

#include "ipc/codec/common_codec.h"
#include "ipc/codec/job_codec.h"
#include "ipc/codec/kernel_codec.h"
#include "ipc/codec/task_codec.h"
#include "ipc/schema/worker.capnp.h"

namespace tally::ipc {
namespace {

void write_assigned(schema::ChunkTask::Builder to, const AssignedTask& assigned) {
  write_task(to, assigned.task);
  to.setFirstDescriptor(assigned.first_descriptor);
  to.setDescriptors(assigned.descriptors);
}

Result<AssignedTask> read_assigned(schema::ChunkTask::Reader from) {
  Result<model::ChunkTask> task = read_task(from);
  if (!task) return std::move(task).error();
  return AssignedTask{*std::move(task), from.getFirstDescriptor(),
                      from.getDescriptors()};
}

void write_usage(schema::ChunkUsage::Builder to, const model::ChunkUsage& usage) {
  to.setRunNs(usage.run_ns);
  to.setCpuUserNs(usage.cpu_user_ns);
  to.setCpuSystemNs(usage.cpu_system_ns);
  to.setHasPeakRss(usage.peak_rss_bytes.has_value());
  to.setPeakRssBytes(usage.peak_rss_bytes.value_or(0));
  to.setHasAnon(usage.anon_bytes.has_value());
  to.setAnonBytes(usage.anon_bytes.value_or(0));
  to.setBeganNs(usage.began_ns);
}

model::ChunkUsage read_usage(schema::ChunkUsage::Reader from) {
  model::ChunkUsage usage;
  usage.run_ns = from.getRunNs();
  usage.cpu_user_ns = from.getCpuUserNs();
  usage.cpu_system_ns = from.getCpuSystemNs();
  if (from.getHasPeakRss()) usage.peak_rss_bytes = from.getPeakRssBytes();
  if (from.getHasAnon()) usage.anon_bytes = from.getAnonBytes();
  usage.began_ns = from.getBeganNs();
  return usage;
}

void write_kernel_partials(schema::Partial::Builder to, const model::Partial& partial) {
  if (!partial.kernels.empty()) {
    auto list = to.initKernels(static_cast<unsigned>(partial.kernels.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      write_counts(list[i].initCounts(), partial.kernels[i].counts);
      list[i].setState(to_data(partial.kernels[i].state));
    }
  }
  if (!partial.outputs.empty()) {
    auto all = to.initOutputs(static_cast<unsigned>(partial.outputs.size()));
    for (unsigned i = 0; i < all.size(); ++i) {
      auto list = all.init(i, static_cast<unsigned>(partial.outputs[i].size()));
      for (unsigned k = 0; k < list.size(); ++k)
        write_output(list[k], partial.outputs[i][k]);
    }
  }
  if (!partial.described.empty()) {
    auto all = to.initDescribed(static_cast<unsigned>(partial.described.size()));
    for (unsigned i = 0; i < all.size(); ++i) {
      auto list = all.init(i, static_cast<unsigned>(partial.described[i].size()));
      for (unsigned k = 0; k < list.size(); ++k)
        write_kernel_info(list[k], partial.described[i][k]);
    }
  }
}

void read_kernel_partials(schema::Partial::Reader from, model::Partial& partial) {
  for (const auto one : from.getKernels())
    partial.kernels.push_back(
        {read_counts(one.getCounts()), read_bytes(one.getState())});
  for (const auto list : from.getOutputs()) {
    auto& outputs = partial.outputs.emplace_back();
    for (const auto output : list) outputs.push_back(read_output(output));
  }
  for (const auto list : from.getDescribed()) {
    auto& infos = partial.described.emplace_back();
    for (const auto info : list) infos.push_back(read_kernel_info(info));
  }
}

void write_partial(schema::Partial::Builder to, const model::Partial& partial) {
  auto spans = to.initSpans(static_cast<unsigned>(partial.spans.size()));
  for (unsigned i = 0; i < spans.size(); ++i) {
    spans[i].setFile(partial.spans[i].file);
    spans[i].setBegin(partial.spans[i].begin);
    spans[i].setEnd(partial.spans[i].end);
  }
  auto columns = to.initColumns(static_cast<unsigned>(partial.columns.size()));
  for (unsigned i = 0; i < columns.size(); ++i) {
    write_counts(columns[i].initCounts(), partial.columns[i].counts);
    const auto& states = partial.columns[i].states;
    auto list = columns[i].initStates(static_cast<unsigned>(states.size()));
    for (unsigned k = 0; k < list.size(); ++k) {
      list[k].setFamily(static_cast<std::uint8_t>(states[k].family));
      list[k].setVersion(states[k].version);
      list[k].setBytes(to_data(states[k].bytes));
    }
  }
  write_usage(to.initUsage(), partial.usage);
  write_kernel_partials(to, partial);
}

Result<model::ColumnPartial> read_column_partial(schema::ColumnPartial::Reader from) {
  model::ColumnPartial column;
  column.counts = read_counts(from.getCounts());
  for (const auto state : from.getStates()) {
    const auto family = read_family(state.getFamily());
    if (!family) return family.error();
    column.states.push_back(
        {*family, state.getVersion(), read_bytes(state.getBytes())});
  }
  return column;
}

Result<model::Partial> read_partial(schema::Partial::Reader from) {
  model::Partial partial;
  for (const auto span : from.getSpans())
    partial.spans.push_back({span.getFile(), span.getBegin(), span.getEnd()});
  for (const auto column : from.getColumns()) {
    Result<model::ColumnPartial> read = read_column_partial(column);
    if (!read) return std::move(read).error();
    partial.columns.push_back(*std::move(read));
  }
  partial.usage = read_usage(from.getUsage());
  read_kernel_partials(from, partial);
  return partial;
}

void write_outcome(schema::ChunkOutcome::Builder to,
                   const model::ChunkOutcome& outcome) {
  write_key(to.initKey(), outcome.key);
  if (const auto* partial = std::get_if<model::Partial>(&outcome.result))
    return write_partial(to.initPartial(), *partial);
  write_error(to.initError(), std::get<Error>(outcome.result));
  write_usage(to.initSpent(), outcome.spent);
}

Result<model::ChunkOutcome> read_outcome(schema::ChunkOutcome::Reader from) {
  const model::ChunkKey key = read_key(from.getKey());
  if (from.isError())
    return model::ChunkOutcome{key, read_error(from.getError()),
                               read_usage(from.getSpent())};
  Result<model::Partial> partial = read_partial(from.getPartial());
  if (!partial) return std::move(partial).error();
  partial->key = key;
  return model::ChunkOutcome{key, *std::move(partial), {}};
}

struct MessageWriter {
  schema::WorkerMessage::Builder to;

  void operator()(const WorkerReady& ready) {
    auto out = to.initReady();
    out.setProtocol(ready.protocol);
    out.setBuild(to_text(ready.build));
    out.setPid(ready.pid);
  }
  void operator()(const std::vector<AssignedTask>& tasks) {
    auto list = to.initAssign(static_cast<unsigned>(tasks.size()));
    for (unsigned i = 0; i < list.size(); ++i) write_assigned(list[i], tasks[i]);
  }
  void operator()(const std::vector<model::ChunkOutcome>& outcomes) {
    auto list = to.initOutcomes(static_cast<unsigned>(outcomes.size()));
    for (unsigned i = 0; i < list.size(); ++i) write_outcome(list[i], outcomes[i]);
  }
  void operator()(const ForgetArrays& forget) {
    auto list = to.initForget(static_cast<unsigned>(forget.numbers.size()));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, forget.numbers[i]);
  }
};

template <typename T, typename List, typename Read>
Result<WorkerMessage> read_all(List list, Read read) {
  std::vector<T> all;
  all.reserve(list.size());
  for (const auto item : list) {
    Result<T> one = read(item);
    if (!one) return std::move(one).error();
    all.push_back(*std::move(one));
  }
  return WorkerMessage(std::move(all));
}

Result<WorkerMessage> message_of(schema::WorkerMessage::Reader from) {
  switch (from.which()) {
    case schema::WorkerMessage::READY: {
      const auto ready = from.getReady();
      return WorkerMessage(WorkerReady{ready.getProtocol(), from_text(ready.getBuild()),
                                       ready.getPid()});
    }
    case schema::WorkerMessage::ASSIGN:
      return read_all<AssignedTask>(from.getAssign(), read_assigned);
    case schema::WorkerMessage::OUTCOMES:
      return read_all<model::ChunkOutcome>(from.getOutcomes(), read_outcome);
    case schema::WorkerMessage::FORGET: {
      ForgetArrays forget;
      for (const std::uint64_t number : from.getForget())
        forget.numbers.push_back(number);
      return WorkerMessage(std::move(forget));
    }
  }
  return Error(Errc::ProtocolViolation, "unknown_worker_message",
               "a worker message of an unknown kind");
}

// Words of a tiny task (24) or its outcome (41), and some.
constexpr std::size_t kWordsEach = 48;
constexpr std::size_t kFewItems = 4;  // fit into a MessageScratch

std::size_t items_of(const WorkerMessage& message) {
  if (const auto* tasks = std::get_if<std::vector<AssignedTask>>(&message))
    return tasks->size();
  const auto* outcomes = std::get_if<std::vector<model::ChunkOutcome>>(&message);
  return outcomes != nullptr ? outcomes->size() : 1;
}

Result<void> append_with(capnp::MallocMessageBuilder& builder, Bytes& out,
                         std::uint16_t fd_count, const WorkerMessage& message) {
  std::visit(MessageWriter{builder.initRoot<schema::WorkerMessage>()}, message);
  return append_frame(out, {FrameKind::Worker, fd_count, 0, 0}, builder,
                      kMaxWorkerBytes);
}

}  // namespace

Result<void> append_worker_message(Bytes& out, std::uint16_t fd_count,
                                   const WorkerMessage& message) {
  const std::size_t items = items_of(message);
  if (items <= kFewItems) {
    MessageScratch scratch;
    return append_with(scratch.builder(), out, fd_count, message);
  }
  // One segment for all: Cap'n Proto takes a lock for each pointer into another.
  capnp::MallocMessageBuilder builder(static_cast<unsigned>(items * kWordsEach));
  return append_with(builder, out, fd_count, message);
}

Result<WorkerMessage> read_worker_message(std::span<const std::byte> body) {
  return read_message<schema::WorkerMessage>(body, message_of);
}

}  // namespace tally::ipc

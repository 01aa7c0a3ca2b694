#include "runtime/kernel/kernel.h"

#include <new>

#include "runtime/kernel/call_names.h"

namespace tally::kernels {
namespace {

using exec::KernelCall;

HostRun::Sync sync_of(const SyncHook& hook, const model::ChunkTask& task,
                      std::uint32_t index, bool wanted) {
  if (!hook || !wanted) return {};
  return [&hook, &task, index](tally_sync_context** context) {
    return hook(task, index, context);
  };
}

std::uint64_t last_row(const tally_kernel_block& block) {
  return block.rows != nullptr ? block.rows[block.count - 1]
                               : block.first_row + block.count - 1;
}

}  // namespace

KernelState::~KernelState() {
  // Nobody is left to hear what goes wrong here; Kernel::destroy() is for those who
  // are.
  if (kernel_ != nullptr) (void)kernel_->destroy(std::move(*this));
}

Kernel::Kernel(std::shared_ptr<const KernelLibrary> library, const tally_kernel& table,
               const model::KernelInfo& info, const model::ChunkTask& task,
               std::uint32_t index, exec::ChunkPage& page, const SyncHook& sync)
    : library_(std::move(library)),
      table_(table),
      info_(info),
      task_(task.kernels[index]),
      index_(index),
      page_(page),
      run_(arguments_, page, sync_of(sync, task, index, info.sync)) {}

Result<std::unique_ptr<Kernel>> Kernel::open(
    std::shared_ptr<const KernelLibrary> library, const model::ChunkTask& task,
    std::uint32_t index, exec::ChunkPage& page, const SyncHook& sync) {
  const model::KernelTask& own = task.kernels[index];
  const KernelLibrary::Entry entry = library->find(own.kernel);
  if (entry.table == nullptr)
    return Error(Errc::Internal, "no_kernel",
                 own.image_name + " has no kernel called " + own.kernel)
        .with("kernel", own.kernel)
        .with("image", own.image_name);
  std::unique_ptr<Kernel> kernel(new Kernel(std::move(library), *entry.table,
                                            *entry.info, task, index, page, sync));
  if (Result<void> taken = kernel->take_arguments(); !taken)
    return std::move(taken).error();
  if (own.columns.size() != entry.info->columns)
    return kernel->error(Errc::InvalidArgument, "kernel_columns",
                         "it takes " + std::to_string(entry.info->columns) +
                             " columns, not " + std::to_string(own.columns.size()));
  return kernel;
}

Result<void> Kernel::take_arguments() {
  for (const model::KernelParameter& parameter : info_.parameters) {
    std::optional<std::string> value = parameter.default_value;
    for (const model::KernelArgument& given : task_.arguments)
      if (given.name == parameter.name) value = given.value;
    if (!value)
      return error(Errc::InvalidArgument, "bad_argument",
                   "its parameter " + parameter.name + " must be given")
          .with("parameter", parameter.name);
    arguments_.push_back({parameter.name, *std::move(value)});
  }
  for (const model::KernelArgument& given : task_.arguments) {
    bool known = false;
    for (const model::KernelArgument& own : arguments_) known |= own.name == given.name;
    if (!known)
      return error(Errc::InvalidArgument, "bad_argument",
                   "it has no parameter " + given.name)
          .with("parameter", given.name);
  }
  return {};
}

void Kernel::announce(KernelCall which, const tally_kernel_block* block) {
  page_.kernel.store(index_, std::memory_order_relaxed);
  page_.file.store(block != nullptr ? block->file : 0, std::memory_order_relaxed);
  page_.first_row.store(block != nullptr ? block->first_row : 0,
                        std::memory_order_relaxed);
  page_.rows.store(block != nullptr ? last_row(*block) - block->first_row + 1 : 0,
                   std::memory_order_relaxed);
  page_.call.store(which, std::memory_order_release);
}

template <typename F>
Result<void> Kernel::call(KernelCall which, const Subject& subject, F&& function) {
  announce(which, subject.block);
  run_.begin(which);
  int returned = 0;
  std::optional<Error> thrown;
  try {
    returned = function();
  } catch (...) {
    thrown = threw(which, subject);
  }
  page_.call.store(KernelCall::None, std::memory_order_release);
  floats_.restore();
  if ((subject.first != nullptr && !subject.first->memory_.intact()) ||
      (subject.second != nullptr && !subject.second->memory_.intact()))
    return overran(which, subject);
  if (thrown) return *std::move(thrown);
  if (returned != 0 || run_.fault() != HostRun::Fault::None)
    return failed(which, subject, returned);
  return {};
}

Result<KernelState> Kernel::make_state() {
  KernelState state(table_.state_size);
  if (table_.init != nullptr) {
    Result<void> done = call(KernelCall::Init, {.first = &state},
                             [&] { return table_.init(&run_, state.get()); });
    if (!done) return std::move(done).error();
  }
  state.kernel_ = this;
  return state;
}

Result<void> Kernel::update(KernelState& state, const tally_kernel_block& block) {
  return call(KernelCall::Update, {.block = &block, .first = &state},
              [&] { return table_.update(&run_, state.get(), &block); });
}

Result<void> Kernel::merge(KernelState& into, const KernelState& from) {
  return call(KernelCall::Merge,
              {.first = &into, .second = const_cast<KernelState*>(&from)},
              [&] { return table_.merge(&run_, into.get(), from.get()); });
}

Result<std::vector<std::byte>> Kernel::serialise(const KernelState& state) {
  if (table_.serialize == nullptr) {
    const auto* first = static_cast<const std::byte*>(state.get());
    return std::vector<std::byte>(first, first + state.size());
  }
  Result<void> done =
      call(KernelCall::Serialize, {.first = const_cast<KernelState*>(&state)},
           [&] { return table_.serialize(&run_, state.get()); });
  std::vector<std::byte> bytes = run_.take_written();
  if (!done) return std::move(done).error();
  return bytes;
}

Result<KernelState> Kernel::deserialise(std::span<const std::byte> bytes) {
  if (table_.deserialize == nullptr) {
    if (bytes.size() != table_.state_size)
      return error(Errc::Internal, "bad_kernel_state",
                   "a state of " + std::to_string(bytes.size()) + " bytes came, " +
                       std::to_string(table_.state_size) + " were expected");
    KernelState state(table_.state_size);
    std::copy(bytes.begin(), bytes.end(), static_cast<std::byte*>(state.get()));
    state.kernel_ = this;
    return state;
  }
  Result<KernelState> state = make_state();
  if (!state) return state;
  Result<void> done = call(KernelCall::Deserialize, {.first = &*state}, [&] {
    return table_.deserialize(&run_, state->get(), bytes.data(), bytes.size());
  });
  if (!done) return std::move(done).error();
  return state;
}

Result<std::vector<model::KernelOutput>> Kernel::finish(const KernelState& state) {
  (void)run_.take_outputs();
  const Subject subject{.first = const_cast<KernelState*>(&state)};
  Result<void> done = call(KernelCall::Finish, subject,
                           [&] { return table_.finish(&run_, state.get()); });
  std::vector<model::KernelOutput> outputs = run_.take_outputs();
  if (!done) return std::move(done).error();
  if (outputs.empty())
    return told(Errc::InvalidArgument, "kernel_misused", KernelCall::Finish, subject,
                "it gave no result; call one of tally_kernel_emit_*");
  return outputs;
}

Result<void> Kernel::destroy(KernelState state) {
  state.kernel_ = nullptr;
  if (table_.destroy == nullptr || state.get() == nullptr) return {};
  return call(KernelCall::Destroy, {.first = &state}, [&] {
    table_.destroy(&run_, state.get());
    return 0;
  });
}

Error Kernel::overran(KernelCall which, const Subject& subject) {
  // Nothing of what lies there can be trusted any more, so nothing is freed.
  for (KernelState* state : {subject.first, subject.second}) {
    if (state == nullptr) continue;
    state->kernel_ = nullptr;
    state->memory_.abandon();
  }
  return told(Errc::InvalidArgument, "kernel_overran_state", which, subject,
              "it wrote outside of its state, for which it asked " +
                  std::to_string(table_.state_size) + " bytes")
      .with("state_bytes", static_cast<std::int64_t>(table_.state_size));
}

Error Kernel::failed(KernelCall which, const Subject& subject, int returned) const {
  switch (run_.fault()) {
    case HostRun::Fault::Failed:
      return told(Errc::InvalidData, "kernel_failed", which, subject, run_.message());
    case HostRun::Fault::Misused:
      return told(Errc::InvalidArgument, "kernel_misused", which, subject,
                  run_.message());
    case HostRun::Fault::NoMemory:
      return told(Errc::Internal, "kernel_memory", which, subject, "memory ran out");
    case HostRun::Fault::None: break;
  }
  return told(Errc::InvalidData, "kernel_failed", which, subject,
              "it returned " + std::to_string(returned) + " and no message");
}

// Call inside a catch.
Error Kernel::threw(KernelCall which, const Subject& subject) const {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return told(Errc::Internal, "kernel_memory", which, subject, "memory ran out");
  } catch (const std::exception& thrown) {
    return told(Errc::InvalidData, "kernel_threw", which, subject,
                std::string("it threw: ") + thrown.what());
  } catch (...) {
    return told(Errc::InvalidData, "kernel_threw", which, subject,
                "it threw something that is no std::exception");
  }
}

Error Kernel::told(Errc errc, std::string code, KernelCall which,
                   const Subject& subject, const std::string& what) const {
  const tally_kernel_block* block = subject.block;
  std::string where = "in " + std::string(name_of(which));
  if (block != nullptr) {
    where += ", with rows " + std::to_string(block->first_row) + " to " +
             std::to_string(last_row(*block));
    if (*block->file_name != 0) where += " of " + std::string(block->file_name);
  }
  Error error = this->error(errc, std::move(code), where + ": " + what)
                    .with("call", std::string(name_of(which)));
  if (block == nullptr) return error;
  if (*block->file_name != 0)
    error = std::move(error).with("file", std::string(block->file_name));
  return std::move(error)
      .with("first_row", static_cast<std::int64_t>(block->first_row))
      .with("rows", static_cast<std::int64_t>(last_row(*block) - block->first_row + 1));
}

Error Kernel::error(Errc errc, std::string code, const std::string& message) const {
  return Error(errc, std::move(code),
               "kernel '" + task_.kernel + "' (" + task_.image_name + "): " + message)
      .with("kernel", task_.kernel)
      .with("image", task_.image_name);
}

}  // namespace tally::kernels

#include "runtime/kernel/host_run.h"

#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <utility>

#include "ipc/base/printable.h"
#include "ipc/base/utf8.h"
#include "runtime/kernel/call_names.h"

namespace tally::kernels {
namespace {

constexpr std::size_t kMaxMessage = 4096;
constexpr std::size_t kMaxLabel = 64;

HostRun& of(tally_kernel_run* run) {
  return *static_cast<HostRun*>(run);
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t step = character_bytes(text, at);
    if (step == 0) return false;
    at += step;
  }
  return true;
}

// A stranger's text for people.
std::string cleaned(const char* text) {
  if (text == nullptr) return "no reason given";
  return printable({text, ::strnlen(text, kMaxMessage + 1)}, kMaxMessage);
}

bool is_label(std::string_view label) {
  for (const char c : label)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
          c == '_'))
      return false;
  return label.size() <= kMaxLabel;
}

}  // namespace

// The functions themselves; each keeps exceptions in.
struct HostTable {
  template <typename F>
  static int kept_in(tally_kernel_run* run, F&& body) noexcept {
    try {
      return body(of(run));
    } catch (...) {
      of(run).fault_ = HostRun::Fault::NoMemory;
      return 1;
    }
  }

  static const char* parameter(tally_kernel_run* run, const char* name) noexcept {
    if (name == nullptr) return nullptr;
    for (const model::KernelArgument& argument : of(run).parameters_)
      if (argument.name == name) return argument.value.c_str();
    return nullptr;
  }

  static int fail(tally_kernel_run* run, const char* message) noexcept {
    return kept_in(run, [&](HostRun& host) {
      return host.fault(HostRun::Fault::Failed, cleaned(message));
    });
  }

  static int write(tally_kernel_run* run, const void* bytes,
                   std::size_t size) noexcept {
    return kept_in(run, [&](HostRun& host) {
      if (host.call_ != exec::KernelCall::Serialize)
        return host.misused("it called tally_kernel_write outside of serialize");
      if (bytes == nullptr && size != 0)
        return host.misused("it wrote " + std::to_string(size) + " bytes from NULL");
      if (size > HostRun::kMaxWritten - host.written_.size())
        return host.misused("it wrote a state of more than " +
                            std::to_string(HostRun::kMaxWritten >> 20U) + " MiB");
      const auto* first = static_cast<const std::byte*>(bytes);
      host.written_.insert(host.written_.end(), first, first + size);
      return 0;
    });
  }

  static int emit_int(tally_kernel_run* run, const char* label, std::int64_t high,
                      std::uint64_t low) noexcept {
    return kept_in(run, [&](HostRun& host) {
      const auto bits =
          (static_cast<UInt128>(static_cast<std::uint64_t>(high)) << 64U) |
          static_cast<UInt128>(low);
      return host.emit(label, static_cast<Int128>(bits));
    });
  }
  static int emit_f64(tally_kernel_run* run, const char* label, double value) noexcept {
    return kept_in(run, [&](HostRun& host) { return host.emit(label, value); });
  }
  static int emit_f32(tally_kernel_run* run, const char* label, float value) noexcept {
    return kept_in(run, [&](HostRun& host) { return host.emit(label, value); });
  }
  static int emit_text(tally_kernel_run* run, const char* label, const char* text,
                       std::size_t size) noexcept {
    return kept_in(run, [&](HostRun& host) {
      if (text == nullptr && size != 0)
        return host.misused("it gave a text that is NULL");
      if (size > HostRun::kMaxOutputText)
        return host.misused("it gave a text of " + std::to_string(size) +
                            " bytes; at most " +
                            std::to_string(HostRun::kMaxOutputText) + " are allowed");
      std::string copy(text == nullptr ? "" : text, size);
      if (!is_utf8(copy)) return host.misused("it gave a text that is no UTF-8");
      return host.emit(label, std::move(copy));
    });
  }
  static int emit_none(tally_kernel_run* run, const char* label,
                       const char* why) noexcept {
    return kept_in(run, [&](HostRun& host) {
      return host.emit(label, Error(Errc::NoValue, cleaned(why)));
    });
  }

  static int cancelled(tally_kernel_run* run) noexcept {
    return of(run).page_.is_called_off() ? 1 : 0;
  }

  static const tally_sync* sync(tally_kernel_run* run,
                                tally_sync_context** context) noexcept {
    const tally_sync* table = nullptr;
    kept_in(run, [&](HostRun& host) {
      if (host.sync_) table = host.sync_(context);
      return 0;
    });
    return table;
  }
};

namespace {

const tally_kernel_host kHost = {
    .struct_size = sizeof(tally_kernel_host),
    .parameter = HostTable::parameter,
    .fail = HostTable::fail,
    .write = HostTable::write,
    .emit_int = HostTable::emit_int,
    .emit_f64 = HostTable::emit_f64,
    .emit_f32 = HostTable::emit_f32,
    .emit_text = HostTable::emit_text,
    .emit_none = HostTable::emit_none,
    .cancelled = HostTable::cancelled,
    .sync = HostTable::sync,
};

}  // namespace

HostRun::HostRun(const std::vector<model::KernelArgument>& parameters,
                 const exec::ChunkPage& page, Sync sync)
    : tally_kernel_run{&kHost},
      parameters_(parameters),
      page_(page),
      sync_(std::move(sync)) {}

int HostRun::fault(Fault fault, std::string message) {
  if (fault_ == Fault::None) {
    fault_ = fault;
    message_ = std::move(message);
  }
  return 1;
}

int HostRun::emit(const char* label,
                  std::variant<Int128, double, float, std::string, Error> value) {
  if (call_ != exec::KernelCall::Finish)
    return misused("it gave a result in " + std::string(name_of(call_)) +
                   ", which only finish may");
  const std::string name = label == nullptr
                               ? std::string()
                               : std::string(label, ::strnlen(label, kMaxLabel + 1));
  if (!is_label(name))
    return misused("a result's label must be at most " + std::to_string(kMaxLabel) +
                   " letters, digits and _");
  if (outputs_.size() == kMaxOutputs)
    return misused("it gave more than " + std::to_string(kMaxOutputs) + " results");
  if (!outputs_.empty() && (name.empty() || outputs_.front().label.empty()))
    return misused("of several results each needs a label");
  for (const model::KernelOutput& other : outputs_)
    if (other.label == name)
      return misused("it gave the result \"" + name + "\" twice");
  outputs_.push_back({name, std::move(value)});
  return 0;
}

}  // namespace tally::kernels

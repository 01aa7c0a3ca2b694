#include "ipc/sync/name_table.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "ipc/base/printable.h"
#include "ipc/sync/guard.h"

namespace tally::sync {
namespace {

std::uint32_t count_of(const Region& region) {
  return std::min(region.header().name_count.load(std::memory_order_acquire),
                  region.names());
}

bool is_named(const NameEntry& entry, std::string_view name) {
  return std::memcmp(entry.name, name.data(), name.size()) == 0 &&
         entry.name[name.size()] == '\0';
}

const NameEntry* find(const Region& region, std::string_view name) {
  const std::uint32_t count = count_of(region);
  for (std::uint32_t index = 0; index < count; ++index)
    if (is_named(region.entry(index), name)) return &region.entry(index);
  return nullptr;
}

std::string quoted(std::string_view name) {
  return "'" + printable(name, kNameBytes) + "'";
}

Result<std::byte*> existing(const Region& region, const NameEntry& entry,
                            std::string_view name, const ObjectSpec& spec) {
  if (entry.kind != spec.kind)
    return Error(Errc::InvalidArgument, "kind_mismatch",
                 quoted(name) + " is a " + name_of(entry.kind) + ", not a " +
                     name_of(spec.kind));
  if (entry.first != spec.first || entry.second != spec.second)
    return Error(Errc::InvalidArgument, "kind_mismatch",
                 std::string("the ") + name_of(entry.kind) + " " + quoted(name) +
                     " was made with " + std::to_string(entry.first) + " and " +
                     std::to_string(entry.second) + ", not with " +
                     std::to_string(spec.first) + " and " +
                     std::to_string(spec.second));
  std::byte* const at = region.object(entry, spec.bytes);
  if (at == nullptr) return region_damaged("an entry points out of it");
  return at;
}

// The registry is held.
Result<std::byte*> add(Region& region, std::string_view name, const ObjectSpec& spec,
                       void (*init)(std::byte*, const ObjectSpec&)) {
  const std::uint32_t count = count_of(region);
  std::uint64_t offset = region.objects_offset();
  if (count > 0) {
    const NameEntry& last = region.entry(count - 1);
    if (region.object(last, last.bytes) == nullptr)
      return region_damaged("an entry points out of it");
    offset = (last.offset + last.bytes + 63) / 64 * 64;
  }
  if (count == region.names() || offset > region.bytes() ||
      spec.bytes > region.bytes() - offset)
    return Error(Errc::InvalidArgument, "region_full",
                 std::string("no room for the ") + name_of(spec.kind) + " " +
                     quoted(name) + ": the job's sync region has " +
                     std::to_string(region.bytes()) + " bytes and " +
                     std::to_string(region.names()) + " names");
  NameEntry& entry = region.entry(count);
  entry = NameEntry{{}, spec.kind, 0, offset, spec.bytes, spec.first, spec.second};
  std::memcpy(entry.name, name.data(), name.size());
  std::byte* const at = region.object(entry, spec.bytes);
  init(at, spec);
  region.header().name_count.store(count + 1, std::memory_order_release);
  return at;
}

}  // namespace

Result<std::byte*> open_object(Region& region, std::string_view name,
                               const ObjectSpec& spec,
                               void (*init)(std::byte*, const ObjectSpec&)) {
  if (name.empty() || name.size() > kNameBytes ||
      name.find('\0') != std::string_view::npos)
    return Error(Errc::InvalidArgument, "bad_name",
                 "a name has 1 to " + std::to_string(kNameBytes) +
                     " bytes and no NUL: " + quoted(name));
  if (const NameEntry* entry = find(region, name))
    return existing(region, *entry, name, spec);

  Guard registry(region, region.header().registry, kForever);
  if (!registry.in()) {
    Result<Outcome> why = registry.why_not();
    if (!why) return std::move(why).error();
    return Error(Errc::Cancelled, "region_closed",
                 "the job of this sync region is over");
  }
  // Somebody may have been quicker.
  if (const NameEntry* entry = find(region, name))
    return existing(region, *entry, name, spec);
  return add(region, name, spec, init);
}

}  // namespace tally::sync

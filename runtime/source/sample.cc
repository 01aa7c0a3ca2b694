#include "runtime/source/sample.h"

#include <algorithm>
#include <array>
#include <span>

#include "runtime/reduce/packed_keys.h"
#include "runtime/source/positioned_read.h"

namespace tally::source {
namespace {

constexpr std::uint64_t kRuns = 256;
constexpr std::uint64_t kRunElements = 64;
// Where less would be left out than read, a sample is not worth it.
constexpr std::uint64_t kLeastElements = 2 * kRuns * kRunElements;

// Places in each of kRuns equal parts, which no period of the data goes along with.
// G. Steele, D. Lea, C. Flood, Fast Splittable Pseudorandom Number Generators, 2014.
std::uint64_t mixed(std::uint64_t z) {
  z = (z + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

}  // namespace

std::vector<std::int64_t> sample_keys(const Inspection& inspection,
                                      const std::vector<UniqueFd>& descriptors) {
  std::uint64_t elements = 0;
  for (const InspectedFile& file : inspection.files) elements += file.elements;
  if (inspection.in_bytes || inspection.streams || elements < kLeastElements) return {};
  std::vector<std::int64_t> keys;
  keys.reserve(kRuns * kRunElements);
  const std::uint64_t part = elements / kRuns;
  std::size_t file = 0;
  std::uint64_t first = 0;  // of the file's elements, among all
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    const std::uint64_t at = run * part + mixed(run) % (part - kRunElements + 1);
    while (at - first >= inspection.files[file].elements)
      first += inspection.files[file++].elements;
    const InspectedFile& from = inspection.files[file];
    const std::uint64_t count = std::min(kRunElements, from.elements - (at - first));
    const std::uint64_t width = model::size_of(inspection.type);
    std::array<std::byte, kRunElements * 8> bytes;
    const auto got = pread_full(descriptors[from.descriptor].get(),
                                std::span(bytes).first(count * width),
                                from.data_offset_bytes + (at - first) * width);
    if (!got) continue;
    reduce::append_keys(inspection.type, std::span(bytes).first(*got), 1, keys);
  }
  return keys;
}

}  // namespace tally::source

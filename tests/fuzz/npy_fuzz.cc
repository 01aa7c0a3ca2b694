// An npy header that is accepted says where data lie behind what was read of it.
#include "ipc/base/check.h"
#include "runtime/source/npy_header.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = tally::fuzz::Input(data, size).rest();
  const auto prefix = file.first(std::min(file.size(), tally::source::kNpyPrefixBytes));
  const auto wanted = tally::source::npy_header_bytes(prefix);
  if (!wanted) return 0;
  TALLY_CHECK(*wanted <=
              tally::source::kNpyPrefixBytes + tally::source::kMaxNpyHeaderBytes);
  const auto header =
      tally::source::parse_npy_header(file.first(std::min(file.size(), *wanted)));
  if (!header) return 0;
  TALLY_CHECK(header->data_offset_bytes == *wanted && *wanted <= file.size());
  TALLY_CHECK(tally::model::size_of(header->type) != 0);
  // More bytes do no harm.
  const auto again = tally::source::parse_npy_header(file);
  TALLY_CHECK(again && again->elements == header->elements);
  return 0;
}

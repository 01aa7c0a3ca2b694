#include "runtime/source/positioned_read.h"

#include <unistd.h>

#include <cerrno>
#include <limits>
#include <string>

namespace tally::source {

Result<std::size_t> pread_full(int descriptor, std::span<std::byte> into,
                               std::uint64_t offset) {
  constexpr auto kLastOffset =
      static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  if (offset > kLastOffset || into.size() > kLastOffset - offset)
    return Error(Errc::Io, "a read beyond the largest file offset");
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(descriptor, into.data() + done, into.size() - done,
                                static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno("pread");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<void> pread_exactly(int descriptor, std::span<std::byte> into,
                           std::uint64_t offset, std::string_view file) {
  const auto got = pread_full(descriptor, into, offset);
  if (!got) return Error(got.error()).within(file).with("file", std::string(file));
  if (*got == into.size()) return {};
  const auto expected = static_cast<std::int64_t>(offset + into.size());
  const auto found = static_cast<std::int64_t>(offset + *got);
  return Error(Errc::InvalidData, "file_shrank",
               std::string(file) + ": the file shrank while it was read: at least " +
                   std::to_string(expected) + " bytes expected, " +
                   std::to_string(found) + " found")
      .with("file", std::string(file))
      .with("expected_bytes", expected)
      .with("found_bytes", found);
}

}  // namespace tally::source

// Writes the samples of the codecs' tests as seeds: tally_fuzz_seeds FOLDER.
#include <filesystem>
#include <fstream>
#include <string>

#include "ipc/codec/control_codec.h"
#include "tests/unit/ipc/samples.h"

namespace {

void write(const std::filesystem::path& folder, std::size_t number,
           std::span<const std::byte> bytes) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder / ("sample" + std::to_string(number)), std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  std::size_t number = 0;
  for (const auto& request : tally::ipc::sample_requests()) {
    write(folder / "request", ++number, tally::ipc::request_body(request));
    tally::ipc::Bytes frame{std::byte{16}};  // how the stream is cut
    if (tally::ipc::append_request(frame, 1, 0, request))
      write(folder / "frame", number, frame);
  }
  for (const auto& reply : tally::ipc::sample_replies())
    write(folder / "reply", ++number, tally::ipc::reply_body(reply));
  for (const auto& message : tally::ipc::sample_worker_messages())
    write(folder / "worker_message", ++number, tally::ipc::worker_body(message));
  return 0;
}

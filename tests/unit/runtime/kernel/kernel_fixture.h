// What tests of kernels share: images from the build directory, tasks, a runner.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <span>
#include <string>
#include <vector>

#include "ipc/base/unique_fd.h"
#include "runtime/exec/chunk_runner.h"
#include "runtime/kernel/kernel_images.h"

namespace tally::kernels {

inline UniqueFd open_test_kernel(const std::string& name) {
  const std::string path = std::string(TALLY_TEST_KERNELS_DIR) + "/" + name + ".so";
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(file) << path;
  return file;
}

inline UniqueFd memory_file(std::span<const std::byte> bytes) {
  UniqueFd file(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), 0),
            static_cast<ssize_t>(bytes.size()));
  return file;
}

inline UniqueFd memory_file(const std::string& text) {
  return memory_file(std::as_bytes(std::span(text)));
}

template <typename T>
UniqueFd memory_file_of(const std::vector<T>& values) {
  return memory_file(std::as_bytes(std::span(values)));
}

// A hash that names a test image: its name, cut.
inline model::ImageHash hash_of(const std::string& image) {
  model::ImageHash hash{};
  for (std::size_t i = 0; i < image.size() && i < hash.size(); ++i)
    hash[i] = static_cast<std::byte>(image[i]);
  return hash;
}

class KernelTest : public ::testing::Test {
 protected:
  // A task of `kernel`, whose image is the last descriptor of run().
  model::ChunkTask task_of(const std::string& image, const std::string& kernel,
                           std::uint32_t columns = 1) {
    model::ChunkTask task;
    task.key = {7, 0, 0, 1};
    task.columns.resize(columns);
    task.images.push_back({hash_of(image), image + ".so", 0});
    model::KernelTask& own = task.kernels.emplace_back();
    own.image = hash_of(image);
    own.image_name = image + ".so";
    own.kernel = kernel;
    for (std::uint32_t i = 0; i < columns; ++i) own.columns.push_back(i);
    task.finish_kernels = true;
    return task;
  }

  static model::FilePieces pieces_of(model::FileFormat format, std::uint64_t begin,
                                     std::uint64_t end) {
    model::FilePieces pieces;
    pieces.format = format;
    model::FilePiece& piece = pieces.pieces.emplace_back();
    piece.name = "data";
    piece.descriptor = 1;
    piece.begin = begin;
    piece.end = end;
    return pieces;
  }

  // `files` are descriptors 1 and on; the image is 0.
  model::ChunkOutcome run(const model::ChunkTask& task, std::vector<int> files = {}) {
    std::string name = task.images.front().name;
    const UniqueFd image = open_test_kernel(name.substr(0, name.size() - 3));
    files.insert(files.begin(), image.get());
    return runner_.run(task, files);
  }
  model::Partial partial_of(const model::ChunkTask& task, std::vector<int> files = {}) {
    model::ChunkOutcome outcome = run(task, std::move(files));
    if (auto* partial = std::get_if<model::Partial>(&outcome.result)) return *partial;
    ADD_FAILURE() << std::get<Error>(outcome.result).message();
    model::Partial none;
    none.outputs.resize(1);
    none.outputs[0].push_back({});
    none.kernels.resize(1);
    return none;
  }
  Error error_of(const model::ChunkTask& task, std::vector<int> files = {}) {
    const model::ChunkOutcome outcome = run(task, std::move(files));
    if (const auto* error = std::get_if<Error>(&outcome.result)) return *error;
    ADD_FAILURE() << "the chunk did not fail";
    return Error(Errc::Internal, "the chunk did not fail");
  }
  std::string text_of(const model::ChunkTask& task, std::vector<int> files = {}) {
    const model::Partial partial = partial_of(task, std::move(files));
    const auto* text = std::get_if<std::string>(&partial.outputs.at(0).at(0).value);
    return text == nullptr ? "no text" : *text;
  }

  template <typename T>
  static model::ValuesPiece values_of(const std::vector<T>& values) {
    model::ValuesPiece piece;
    const auto bytes = std::as_bytes(std::span(values));
    piece.bytes.assign(bytes.begin(), bytes.end());
    piece.end = values.size();
    return piece;
  }

  exec::ChunkPage page_;
  LoadedImages images_;
  exec::ChunkRunner runner_{page_, source::open_reader, {.images = &images_}};
};

}  // namespace tally::kernels

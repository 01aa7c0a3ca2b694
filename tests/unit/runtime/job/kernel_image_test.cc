#include "runtime/job/kernel_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace tally::job {
namespace {

constexpr char kHashOfAbc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

// A file without a name.
UniqueFd file_of(const std::string& content) {
  char name[] = "/tmp/tally-image-XXXXXX";
  UniqueFd fd(::mkstemp(name));
  ::unlink(name);
  EXPECT_EQ(::write(fd.get(), content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
  return fd;
}

std::string content(const KernelImage& image) {
  std::string text(64, '\0');
  const ssize_t got = ::pread(image.content->get(), text.data(), text.size(), 0);
  EXPECT_GE(got, 0);
  text.resize(static_cast<std::size_t>(got));
  return text;
}

TEST(KernelImage, IsACopyNamedByItsHash) {
  const UniqueFd file = file_of("abc");
  KernelImageReader reader;
  const auto image = reader.read(file.get(), "abc.so");
  ASSERT_TRUE(image);
  EXPECT_EQ(model::hex_of((*image)->hash), kHashOfAbc);
  EXPECT_EQ((*image)->name, "abc.so");
  EXPECT_EQ(content(**image), "abc");
  // Its owner may do what it likes with the file.
  ASSERT_EQ(::pwrite(file.get(), "x", 1, 0), 1);
  EXPECT_EQ(content(**image), "abc");
}

TEST(KernelImage, IsSealedAgainstAnyChange) {
  KernelImageReader reader;
  const auto image = reader.read(file_of("abc").get(), "abc.so");
  ASSERT_TRUE(image);
  EXPECT_EQ(::fcntl((*image)->content->get(), F_GET_SEALS),
            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  EXPECT_LT(::write((*image)->content->get(), "x", 1), 0);
}

TEST(KernelImage, IsReadFromItsStartAndThePositionStays) {
  const UniqueFd file = file_of("abc");
  ASSERT_EQ(::lseek(file.get(), 2, SEEK_SET), 2);
  KernelImageReader reader;
  EXPECT_EQ(model::hex_of((*reader.read(file.get(), "abc.so"))->hash), kHashOfAbc);
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_CUR), 2);
}

TEST(KernelImage, OfAFileThatJustChangedIsNotTrustedTheNextTime) {
  const UniqueFd file = file_of("abc");
  KernelImageReader reader;
  const auto before = reader.read(file.get(), "abc.so");
  ASSERT_EQ(::pwrite(file.get(), "x", 1, 0), 1);  // of the same size
  const auto after = reader.read(file.get(), "abc.so");
  ASSERT_TRUE(before && after);
  EXPECT_NE((*before)->hash, (*after)->hash);
}

TEST(KernelImage, OfAnOldFileIsReadOnce) {
  // As old as its package.
  const UniqueFd file(::open("/bin/true", O_RDONLY | O_CLOEXEC));
  KernelImageReader reader;
  const auto first = reader.read(file.get(), "a.so");
  const auto again = reader.read(file.get(), "a.so");
  const auto renamed = reader.read(file.get(), "b.so");
  ASSERT_TRUE(first && again && renamed);
  EXPECT_EQ(*first, *again);
  EXPECT_EQ((*renamed)->name, "b.so");
  EXPECT_EQ((*renamed)->hash, (*first)->hash);
}

TEST(KernelImage, WhatIsNoFileOrTooLargeIsRefused) {
  KernelImageReader reader;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reading(ends[0]);
  const UniqueFd writing(ends[1]);
  const UniqueFd folder(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd large = file_of("");
  ASSERT_EQ(::ftruncate(large.get(), static_cast<off_t>(kMostImageBytes) + 1), 0);
  for (const int fd : {reading.get(), folder.get(), large.get()}) {
    const auto refused = reader.read(fd, "x.so");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().errc(), Errc::InvalidArgument);
    EXPECT_EQ(refused.error().code(), "not_a_kernel");
  }
}

// Sparse, and so read in no time.
UniqueFd large_file(off_t bytes) {
  UniqueFd file = file_of("x");
  EXPECT_EQ(::ftruncate(file.get(), bytes), 0);
  return file;
}

TEST(KernelImage, AllThatAreKeptHaveABound) {
  constexpr off_t kLarge = off_t{1} << 20;
  KernelImageReader reader(4U << 20);
  std::vector<std::shared_ptr<const KernelImage>> held;
  for (int i = 0; i < 4; ++i) {
    auto image = reader.read(large_file(kLarge).get(), "large.so");
    ASSERT_TRUE(image);
    held.push_back(*std::move(image));
  }
  const auto more = reader.read(large_file(kLarge).get(), "more.so");
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code(), "too_many_kernel_bytes");
  EXPECT_EQ(more.error().errc(), Errc::Overloaded);
  held.clear();
  EXPECT_TRUE(reader.read(large_file(kLarge).get(), "more.so"));
}

}  // namespace
}  // namespace tally::job

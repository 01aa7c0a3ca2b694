#include "client/kernel_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace tally::client {
namespace {

class KernelFile : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/tally-kernel-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string file(const std::string& content) const {
    std::ofstream(path("x.so")) << content;
    return path("x.so");
  }

 private:
  std::string folder_;
};

std::string refusal(const std::string& path) {
  const Result<UniqueFd> opened = open_kernel_file(path);
  return opened ? "opened" : opened.error().code();
}

TEST_F(KernelFile, AnElfFileIsOpenedAtItsStart) {
  const Result<UniqueFd> opened = open_kernel_file("/proc/self/exe");
  ASSERT_TRUE(opened);
  EXPECT_EQ(::lseek(opened->get(), 0, SEEK_CUR), 0);
  EXPECT_NE(::fcntl(opened->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(KernelFile, WhatIsNotThereIsToldWithWhatToDo) {
  EXPECT_EQ(refusal(path("none.so")), "no_such_kernel_file");
  EXPECT_EQ(refusal(file("text") + "/none.so"), "no_such_kernel_file");
  EXPECT_EQ(open_kernel_file(path("none.so")).error().errc(), Errc::NotFound);
}

TEST_F(KernelFile, WhatIsNoElfFileIsRefused) {
  for (const std::string content : {"", "\177EL", "int main() {}\n", "!<arch>\n"}) {
    const Result<UniqueFd> opened = open_kernel_file(file(content));
    ASSERT_FALSE(opened) << content;
    EXPECT_EQ(opened.error().code(), "not_a_kernel");
    EXPECT_EQ(*opened.error().field("file"), Error::FieldValue(path("x.so")));
  }
  EXPECT_EQ(refusal(""), "not_a_kernel");
}

TEST_F(KernelFile, AFolderOrAFifoIsRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(refusal(path("fifo")), "not_a_kernel");
  EXPECT_EQ(refusal(path("")), "not_a_kernel");
}

TEST_F(KernelFile, OneThatMayNotBeReadIsPermissionDenied) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ASSERT_EQ(::chmod(file("text").c_str(), 0), 0);
  const Result<UniqueFd> opened = open_kernel_file(path("x.so"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().errc(), Errc::PermissionDenied);
}

TEST(KernelFileName, IsTheLastPartOfThePath) {
  EXPECT_EQ(kernel_file_name("/a/b/libx.so"), "libx.so");
  EXPECT_EQ(kernel_file_name("libx.so"), "libx.so");
}

}  // namespace
}  // namespace tally::client

#include "client/cli/input_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/cli/parsed.h"

namespace tally::cli {
namespace {

class InputFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "tally_input_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
};

TEST_F(InputFilesTest, AFileIsOpenedForReadingAndClosedOnExec) {
  std::ofstream(path("a.csv")) << "x\n1\n";
  const Result<InputFile> file = open_input(path("a.csv"));
  ASSERT_TRUE(file) << message_of(file);
  EXPECT_EQ(file->kind, InputKind::File);
  EXPECT_EQ(::fcntl(file->fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_NE(::fcntl(file->fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(InputFilesTest, WhatIsNoReadableFileIsNamedWithTheReason) {
  EXPECT_EQ(code_of(open_input(path("none.csv"))), "file_not_found");
  EXPECT_EQ(code_of(open_input(folder_)), "is_a_directory");
  EXPECT_NE(message_of(open_input(folder_)).find(folder_), std::string::npos);
}

TEST_F(InputFilesTest, AFifoWithoutAWriterDoesNotHoldUsUp) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const Result<InputFile> pipe = open_input(path("pipe"));
  ASSERT_TRUE(pipe) << message_of(pipe);
  EXPECT_EQ(pipe->kind, InputKind::Pipe);
}

TEST_F(InputFilesTest, DevicesAreReadHere) {
  const Result<InputFile> device = open_input("/dev/null");
  ASSERT_TRUE(device) << message_of(device);
  EXPECT_EQ(device->kind, InputKind::Other);
}

TEST(FileKindTest, GoesByTheExtension) {
  EXPECT_EQ(kind_of_file("a.npy")->format, model::FileFormat::Npy);
  EXPECT_EQ(kind_of_file("/x.y/a.csv")->format, model::FileFormat::Csv);
  EXPECT_EQ(kind_of_file("a.tsv")->delimiter, '\t');
  EXPECT_EQ(kind_of_file("a.txt")->format, model::FileFormat::Text);
  EXPECT_EQ(kind_of_file("a.raw")->type, std::nullopt);
  EXPECT_EQ(kind_of_file("a.i32")->type, model::ElementType::I32);
  EXPECT_FALSE(kind_of_file("/x.csv/a"));
  EXPECT_FALSE(kind_of_file("a.xlsx"));
}

TEST(FileKindTest, WhatCannotBeReadIsKnownByItsExtension) {
  EXPECT_NE(unreadable_kind("a.csv.gz").find("decompress"), std::string_view::npos);
  EXPECT_NE(unreadable_kind("a.parquet").find("csv"), std::string_view::npos);
  EXPECT_EQ(unreadable_kind("gz"), "");
  EXPECT_EQ(unreadable_kind("a.log"), "");
}

}  // namespace
}  // namespace tally::cli

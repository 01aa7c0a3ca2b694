#include "client/file_list.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace tally::client {
namespace {

class FileListTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "tally-list-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
    write("a", "one");
    write("b", "two");
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  UniqueFd opened(const std::string& name) const {
    return UniqueFd(::open((folder_ / name).c_str(), O_RDONLY | O_CLOEXEC));
  }
  FileList both() const {
    FileList list;
    for (const std::string name : {"a", "b"})
      EXPECT_TRUE(list.add(name, name, opened(name).get()));
    return list;
  }
  static std::string read(const Result<UniqueFd>& file) {
    if (!file) return file.error().code();
    std::string text(16, '\0');
    text.resize(static_cast<std::size_t>(::read(file->get(), text.data(), 16)));
    return text;
  }

  std::filesystem::path folder_;
  std::filesystem::path before_;
};

TEST_F(FileListTest, OpensTheSameFileWhereverTheProcessHasGone) {
  const FileList list = both();
  std::filesystem::current_path("/");
  EXPECT_EQ(read(list.open(0)), "one");
  EXPECT_EQ(read(list.open(1)), "two");
}

TEST_F(FileListTest, SaysWhichFileIsGoneAndWhy) {
  const FileList list = both();
  std::filesystem::remove("b");
  const auto file = list.open(1);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code(), "file_lost");
  EXPECT_EQ(std::get<std::string>(*file.error().field("file")), "b");
  EXPECT_EQ(std::get<std::int64_t>(*file.error().field("errno")), ENOENT);
}

TEST_F(FileListTest, AnotherFileOfTheNameIsNotTheOne) {
  const FileList list = both();
  std::filesystem::rename("a", "b");
  EXPECT_EQ(read(list.open(1)), "file_changed");
}

TEST_F(FileListTest, AFifoInItsPlaceHoldsNobodyUp) {
  const FileList list = both();
  std::filesystem::remove("b");
  ASSERT_EQ(::mkfifo("b", 0600), 0);
  EXPECT_EQ(read(list.open(1)), "file_changed");
}

TEST_F(FileListTest, KnowsItsFilesByWhatTheyAre) {
  const FileList list = both();
  write("c", "three");
  std::filesystem::create_hard_link("a", "d");
  EXPECT_TRUE(list.has(opened("d").get()));
  EXPECT_FALSE(list.has(opened("c").get()));
}

TEST_F(FileListTest, HasNoFileBeyondItsEnd) {
  EXPECT_EQ(read(both().open(2)), "no_such_file_asked");
}

}  // namespace
}  // namespace tally::client

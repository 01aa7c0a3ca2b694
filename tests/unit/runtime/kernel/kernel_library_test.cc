#include "runtime/kernel/kernel_library.h"

#include <array>
#include <fstream>
#include <sstream>

#include "kernel_fixture.h"

namespace tally::kernels {
namespace {

Error load_error(int descriptor, const std::string& name) {
  const auto library = KernelLibrary::load(descriptor, name);
  if (!library) return library.error();
  ADD_FAILURE() << name << " was loaded";
  return Error(Errc::Internal, "loaded");
}

std::string bytes_of(const std::string& image) {
  std::ifstream in(std::string(TALLY_TEST_KERNELS_DIR) + "/" + image + ".so",
                   std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

TEST(KernelLibrary, TellsWhatItsKernelsSayOfThemselves) {
  const UniqueFd file = open_test_kernel("csum");
  const auto library = KernelLibrary::load(file.get(), "csum.so");
  ASSERT_TRUE(library) << library.error().message();
  ASSERT_EQ((*library)->describe().size(), 2U);
  const model::KernelInfo& plain = (*library)->describe()[0];
  EXPECT_EQ(plain.name, "plainsum");
  EXPECT_EQ(plain.types, 1U << 10U);
  EXPECT_EQ(plain.columns, 1U);
  EXPECT_EQ(plain.state_bytes, 128U);
  EXPECT_FALSE(plain.exact);
  EXPECT_EQ((*library)->find("csum").info->name, "csum");
  EXPECT_EQ((*library)->find("nobody").table, nullptr);
}

TEST(KernelLibrary, SaysWhatAFileIsThatIsNoKernel) {
  const std::string sound = bytes_of("csum");
  std::string executable = sound;
  executable[16] = 2;  // ET_EXEC
  std::string foreign = sound;
  foreign[18] = 8;  // MIPS
  std::string narrow = sound;
  narrow[4] = 1;  // 32 bits
  const std::array<std::pair<std::string, const char*>, 8> cases{{
      {"", "is empty"},
      {"#!/bin/sh\n", "is a script"},
      {"hello", "is not a shared object"},
      {sound.substr(0, 30), "ends within its ELF header"},
      {sound.substr(0, 900), "is cut short"},
      {executable, "link it with -shared"},
      {foreign, "another kind of processor"},
      {narrow, "another word size"},
  }};
  for (const auto& [bytes, words] : cases) {
    const UniqueFd file = memory_file(bytes);
    const Error error = load_error(file.get(), "x.so");
    EXPECT_EQ(error.code(), "not_a_kernel") << words;
    EXPECT_NE(error.message().find(words), std::string::npos) << error.message();
    EXPECT_NE(error.field("image"), nullptr);
  }
}

TEST(KernelLibrary, RefusesEachFaultOfATable) {
  const std::array<std::array<const char*, 3>, 30> cases{{
      {"other_abi", "kernel_abi", "version 99"},
      {"other_size", "bad_kernel", "struct_size is 8"},
      {"no_name", "bad_kernel", "has no name"},
      {"bad_name", "bad_kernel", "its name must be"},
      {"builtin_name", "bad_kernel", "built-in reducer"},
      {"long_summary", "bad_kernel", "summary"},
      {"no_types", "bad_kernel", "types is 0"},
      {"other_types", "bad_kernel", "types has bits"},
      {"text_and_numbers", "bad_kernel", "text"},
      {"no_columns", "bad_kernel", "columns is 0"},
      {"many_columns", "bad_kernel", "columns is 17"},
      {"other_flags", "bad_kernel", "flags"},
      {"no_state", "bad_kernel", "state_size is 0"},
      {"large_state", "bad_kernel", "state_size is 1099511627776"},
      {"large_plain_state", "bad_kernel", "needs serialize"},
      {"no_update", "bad_kernel", "no update"},
      {"no_merge", "bad_kernel", "no merge"},
      {"no_finish", "bad_kernel", "no finish"},
      {"only_serialize", "bad_kernel", "only one of serialize and deserialize"},
      {"many_parameters", "bad_kernel", "parameter_count is 17"},
      {"null_parameters", "bad_kernel", "parameters is NULL"},
      {"bad_parameter", "bad_kernel", "parameter 0"},
      {"same_parameter", "bad_kernel", "two parameters called base"},
      {"same_name", "bad_kernel", "two kernels are called faulty"},
      {"no_kernels", "bad_kernel", "lists no kernels"},
      {"null_list", "bad_kernel", "lists no kernels"},
      {"endless_list", "bad_kernel", "more than 64"},
      {"no_symbol", "not_a_kernel", "tally_kernels"},
      {"missing_symbol", "kernel_not_loaded", "nobody_has_this"},
      {"throws", "kernel_threw", "no kernels today"},
  }};
  for (const auto& [fault, code, words] : cases) {
    const UniqueFd file = open_test_kernel(std::string("table_") + fault);
    const Error error = load_error(file.get(), "libfaulty.so");
    EXPECT_EQ(error.code(), code) << fault;
    EXPECT_NE(error.message().find(words), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("libfaulty.so"), std::string::npos);
    EXPECT_EQ(error.message().find("/proc/"), std::string::npos) << error.message();
    EXPECT_NE(error.field("image"), nullptr) << fault;
  }
}

TEST(KernelLibrary, TellsTwoImagesApartThatCameUnderTheSameNumber) {
  UniqueFd first = open_test_kernel("csum");
  const int number = first.get();
  ASSERT_TRUE(KernelLibrary::load(number, "csum.so"));
  first.reset();
  UniqueFd second = open_test_kernel("trace");
  ASSERT_EQ(second.get(), number);
  const auto library = KernelLibrary::load(number, "trace.so");
  ASSERT_TRUE(library) << library.error().message();
  EXPECT_EQ((*library)->describe()[0].name, "trace");
}

using Images = KernelTest;

TEST_F(Images, AreLoadedOnceAndFoundWithoutTheirFileFromThenOn) {
  const model::ChunkTask task = task_of("csum", "csum");
  const UniqueFd file = open_test_kernel("csum");
  const std::array<int, 1> descriptors{file.get()};
  const auto first = images_.find(task.images[0], descriptors);
  ASSERT_TRUE(first);
  const auto again = images_.find({task.images[0].hash, "csum.so", {}}, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(*first, *again);
}

TEST_F(Images, ThatNobodyGaveAreMissed) {
  EXPECT_EQ(images_.find({hash_of("x"), "x.so", {}}, {}).error().code(), "no_image");
}

TEST_F(Images, AreDescribedInTheTasksOrder) {
  model::ChunkTask task;
  task.key.job = 1;
  task.columns.resize(1);
  task.images.push_back({hash_of("csum"), "csum.so", 0});
  task.images.push_back({hash_of("trace"), "trace.so", 1});
  task.piece = model::DescribePiece{};
  const UniqueFd trace = open_test_kernel("trace");
  const model::Partial partial = partial_of(task, {trace.get()});
  ASSERT_EQ(partial.described.size(), 2U);
  EXPECT_EQ(partial.described[0][1].name, "csum");
  EXPECT_EQ(partial.described[1][0].name, "trace");
  EXPECT_EQ(page_.call.load(), exec::KernelCall::None);
}

}  // namespace
}  // namespace tally::kernels

#include "runtime/source/inspect.h"

#include <sys/socket.h>

#include "runtime/source/block_reader.h"
#include "tests/unit/runtime/source/pread_fake.h"
#include "tests/unit/runtime/source/test_files.h"

namespace tally::source {
namespace {

using model::ElementType;
using model::FileFormat;
using test::bytes_of;
using test::field;
using test::file_of;
using test::npy_of;
using test::says;

// Owns what a job's descriptors are.
struct Job {
  model::JobSpec spec;
  std::vector<UniqueFd> descriptors;
  std::vector<std::string> columns = {""};

  Result<Inspection> look() const { return inspect(spec, columns, descriptors); }
};

Job files_job(FileFormat format, std::vector<UniqueFd> files,
              std::optional<ElementType> type = std::nullopt) {
  Job job;
  model::FilesSource source;
  source.format = format;
  source.type = type;
  for (std::uint32_t i = 0; i < files.size(); ++i)
    source.files.push_back({"file" + std::to_string(i), i});
  job.spec.source = std::move(source);
  job.descriptors = std::move(files);
  return job;
}

template <typename... Files>
std::vector<UniqueFd> list(Files&&... files) {
  std::vector<UniqueFd> all;
  (all.push_back(std::forward<Files>(files)), ...);
  return all;
}

Job memory_job(UniqueFd array, std::uint64_t offset, std::uint64_t count) {
  Job job;
  job.spec.source = model::MemorySource{{ElementType::F64, 0, offset, count}, {}};
  job.descriptors = list(std::move(array));
  return job;
}

// By the inspector, in parts of `size` files.
Result<Inspection> look_in_parts(Job& job, std::size_t size) {
  FilesInspector inspector(std::get<model::FilesSource>(job.spec.source), job.columns);
  for (std::size_t at = 0; at < job.descriptors.size(); at += size) {
    std::vector<UniqueFd> part;
    for (std::size_t i = at; i < std::min(at + size, job.descriptors.size()); ++i)
      part.push_back(std::move(job.descriptors[i]));
    if (auto added = inspector.add(part); !added) return std::move(added).error();
  }
  EXPECT_EQ(inspector.identities().size(), inspector.files());
  return inspector.inspection();
}

UniqueFd sealed_array(std::size_t elements, int seals = test::kAllSeals) {
  UniqueFd array = file_of(std::string(elements * sizeof(double), '\0'));
  test::seal(array, seals);
  return array;
}

std::string npy(const std::string& descr, const std::string& shape,
                std::size_t data_bytes) {
  return npy_of(
      "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }",
      std::string(data_bytes, '\0'));
}

void expect_error(const Result<Inspection>& result, Errc errc, const std::string& code,
                  const std::string& part) {
  ASSERT_FALSE(result) << code;
  EXPECT_EQ(result.error().errc(), errc);
  EXPECT_EQ(result.error().code(), code) << result.error().message();
  EXPECT_TRUE(says(result.error(), part)) << result.error().message();
}

TEST(Inspect, RawFilesByTheirSize) {
  Job job = files_job(FileFormat::Raw, list(file_of("12345678"), file_of("")),
                      ElementType::I16);
  test::PreadFake fake;
  const auto found = job.look();
  ASSERT_TRUE(found);
  EXPECT_EQ(fake.calls, 0U);
  EXPECT_EQ(found->type, ElementType::I16);
  EXPECT_FALSE(found->in_bytes);
  ASSERT_EQ(found->files.size(), 2U);
  EXPECT_EQ(found->files[0].elements, 4U);
  EXPECT_EQ(found->files[0].bytes, 8U);
  EXPECT_EQ(found->files[0].name, "file0");
  EXPECT_EQ(found->files[1].elements, 0U);
  EXPECT_EQ(found->files[1].descriptor, 1U);
}

TEST(Inspect, RawSizesThatAreNoMultiple) {
  const auto found =
      files_job(FileFormat::Raw, list(file_of("1234567")), ElementType::F64).look();
  expect_error(found, Errc::InvalidData, "bad_raw_size", "multiple of 8");
  EXPECT_EQ(field(found.error(), "file"), "file0");
  EXPECT_EQ(field(found.error(), "found_bytes"), "7");
}

TEST(Inspect, RawNeedsAType) {
  expect_error(files_job(FileFormat::Raw, list(file_of("12345678"))).look(),
               Errc::InvalidArgument, "type_needed", "--dtype");
}

TEST(Inspect, NpyFilesByTheirHeader) {
  Job job = files_job(FileFormat::Npy, list(file_of(npy("<f4", "(3, 2)", 24)),
                                            file_of(npy("<f4", "()", 4))));
  test::PreadFake fake;
  const auto found = job.look();
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(fake.calls, 2U);
  EXPECT_EQ(found->type, ElementType::F32);
  EXPECT_EQ(found->files[0].elements, 6U);
  EXPECT_EQ(found->files[0].data_offset_bytes, 128U);
  EXPECT_EQ(found->files[0].bytes, 24U);
  EXPECT_EQ(found->files[1].elements, 1U);
}

TEST(Inspect, NpyHeadersLongerThanOneRead) {
  const std::string file =
      npy_of("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }" +
                 std::string(20'000, ' '),
             "12345678");
  const auto found = files_job(FileFormat::Npy, list(file_of(file))).look();
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->files[0].elements, 1U);
  for (const std::size_t length : {11U, 5000U, 20'000U})
    expect_error(
        files_job(FileFormat::Npy, list(file_of(file.substr(0, length)))).look(),
        Errc::InvalidData, "bad_npy", "truncated");
}

TEST(Inspect, NpyFilesThatLieAboutTheirSize) {
  for (const std::size_t bytes : {16U, 23U, 25U, 32U}) {
    const auto found =
        files_job(FileFormat::Npy, list(file_of(npy("<f8", "(3,)", bytes)))).look();
    expect_error(found, Errc::InvalidData, "bad_npy", "152 bytes expected");
    EXPECT_EQ(field(found.error(), "file"), "file0");
    EXPECT_EQ(field(found.error(), "expected_bytes"), "152");
    EXPECT_EQ(field(found.error(), "found_bytes"), std::to_string(128 + bytes));
  }
  expect_error(files_job(FileFormat::Npy,
                         list(file_of(npy("<f8", "(1000000000000000000,)", 24))))
                   .look(),
               Errc::InvalidData, "bad_npy", "expected");
}

TEST(Inspect, NpyObjectsAreRefusedByName) {
  const auto found =
      files_job(FileFormat::Npy, list(file_of(npy("|O", "(3,)", 24)))).look();
  expect_error(found, Errc::InvalidData, "bad_npy", "Python objects");
  EXPECT_EQ(field(found.error(), "file"), "file0");
}

TEST(Inspect, NpyTypesMustAgree) {
  expect_error(files_job(FileFormat::Npy, list(file_of(npy("<f8", "(1,)", 8)),
                                               file_of(npy("<i8", "(1,)", 8))))
                   .look(),
               Errc::InvalidArgument, "mixed_types", "file1");
  expect_error(
      files_job(FileFormat::Npy, list(file_of(npy("<f8", "(1,)", 8))), ElementType::F32)
          .look(),
      Errc::InvalidArgument, "bad_dtype", "f64");
  EXPECT_TRUE(
      files_job(FileFormat::Npy, list(file_of(npy("<f8", "(1,)", 8))), ElementType::F64)
          .look());
}

TEST(Inspect, CsvColumnsPerFile) {
  Job job = files_job(FileFormat::Csv,
                      list(file_of("a,b\n1,2\n"), file_of("x,y,b,a\n1,2,3,4\n")));
  job.columns = {"b", "*"};
  const auto found = job.look();
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_TRUE(found->in_bytes);
  EXPECT_EQ(found->type, ElementType::F64);
  EXPECT_EQ(found->files[0].columns, (std::vector<std::uint32_t>{1, kNoColumn}));
  EXPECT_EQ(found->files[1].columns, (std::vector<std::uint32_t>{2, kNoColumn}));
  EXPECT_EQ(found->files[1].fields, 4U);
  EXPECT_EQ(found->files[0].bytes, 8U);
  job.columns = {"x"};
  expect_error(job.look(), Errc::InvalidArgument, "unknown_column", "file0");
}

TEST(Inspect, CsvTakesTheTypeGiven) {
  EXPECT_EQ(
      files_job(FileFormat::Csv, list(file_of("1\n")), ElementType::I64).look()->type,
      ElementType::I64);
}

TEST(Inspect, DelimitersThatCannotBe) {
  for (const char delimiter : {'"', '\n', '\r'}) {
    Job job = files_job(FileFormat::Csv, list(file_of("1\n")));
    std::get<model::FilesSource>(job.spec.source).csv.delimiter = delimiter;
    expect_error(job.look(), Errc::InvalidArgument, "bad_delimiter", "delimiter");
  }
}

TEST(Inspect, TextIsCountedInBytes) {
  const auto found = files_job(FileFormat::Text, list(file_of("1 2\n"))).look();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->in_bytes);
  EXPECT_EQ(found->files.at(0).bytes, 4U);
  EXPECT_EQ(found->type, ElementType::F64);
}

TEST(Inspect, OnlyCsvHasColumns) {
  Job job = files_job(FileFormat::Raw, list(file_of("")), ElementType::I8);
  job.columns = {"temp"};
  expect_error(job.look(), Errc::InvalidArgument, "unknown_column", "temp");
  job.columns = {"*"};
  EXPECT_TRUE(job.look());
}

// Whatever the format, a descriptor that is no file is refused and named.
void expect_no_file(UniqueFd descriptor, const std::string& kind) {
  const int raw = ::dup(descriptor.get());
  for (const FileFormat format : {FileFormat::Npy, FileFormat::Raw, FileFormat::Csv}) {
    const auto found =
        files_job(format, list(UniqueFd(::dup(raw))), ElementType::F64).look();
    expect_error(found, Errc::InvalidArgument, "not_a_file", kind);
    EXPECT_EQ(field(found.error(), "file"), "file0");
  }
  expect_error(memory_job(UniqueFd(raw), 0, 1).look(), Errc::InvalidArgument,
               "not_a_file", kind);
}

TEST(Inspect, DescriptorsThatAreNoFiles) {
  expect_no_file(UniqueFd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
                 "a directory");
  expect_no_file(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
                 "a socket");
  expect_no_file(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
                 "a character device");
}

TEST(Inspect, APipeIsNoMemory) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd writer(ends[1]);
  expect_error(memory_job(UniqueFd(ends[0]), 0, 1).look(), Errc::InvalidArgument,
               "not_a_file", "a pipe");
}

TEST(Inspect, AFileIsReadFromWhereItsEntrySays) {
  const auto look = [](FileFormat format, std::string_view bytes, std::uint64_t start) {
    Job job = files_job(format, list(file_of(bytes)), ElementType::I8);
    std::get<model::FilesSource>(job.spec.source).files.at(0).start_bytes = start;
    return job.look();
  };
  for (const FileFormat format : {FileFormat::Raw, FileFormat::Csv, FileFormat::Text}) {
    const auto found = look(format, "x\n12\n", 2);
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->files.at(0).data_offset_bytes, 2U);
    EXPECT_EQ(found->files.at(0).bytes, 3U);
    EXPECT_EQ(look(format, "x\n12\n", 99)->files.at(0).bytes, 0U);
  }
}

TEST(Inspect, DescriptorsThatCannotBeRead) {
  const UniqueFd file = file_of("12345678");
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  for (const int mode : {O_WRONLY, O_PATH}) {
    UniqueFd other(::open(path.c_str(), mode | O_CLOEXEC));
    ASSERT_TRUE(other);
    expect_error(
        files_job(FileFormat::Raw, list(std::move(other)), ElementType::F64).look(),
        Errc::InvalidArgument, "not_readable", "file0");
  }
}

TEST(Inspect, DescriptorsThatDidNotCome) {
  Job job = files_job(FileFormat::Raw, list(file_of("")), ElementType::F64);
  job.descriptors.clear();
  expect_error(job.look(), Errc::InvalidArgument, "bad_descriptor", "file0");
}

TEST(Inspect, SealedArrays) {
  const auto found = memory_job(sealed_array(10), 16, 8).look();
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_EQ(found->files.size(), 1U);
  EXPECT_EQ(found->files[0].name, "");
  EXPECT_EQ(found->files[0].data_offset_bytes, 16U);
  EXPECT_EQ(found->files[0].elements, 8U);
  EXPECT_EQ(found->files[0].bytes, 64U);
}

TEST(Inspect, SparseArraysAreReadNowhere) {
  UniqueFd array(::memfd_create("sparse", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(array.get(), off_t{1} << 33), 0);
  test::seal(array, test::kAllSeals);
  test::PreadFake fake;
  EXPECT_TRUE(memory_job(std::move(array), 0, std::uint64_t{1} << 30).look());
  EXPECT_EQ(fake.calls, 0U);
}

TEST(Inspect, UnsealedArraysAreToldTheSealsTheyLack) {
  expect_error(memory_job(file_of("12345678"), 0, 1).look(), Errc::InvalidArgument,
               "not_sealed", "F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE");
  const auto found =
      memory_job(sealed_array(1, F_SEAL_SHRINK | F_SEAL_GROW), 0, 1).look();
  expect_error(found, Errc::InvalidArgument, "not_sealed", "missing: F_SEAL_WRITE");
  EXPECT_EQ(field(found.error(), "missing"), "F_SEAL_WRITE");
  // A promise for the future only: a writable map may live on.
  expect_error(
      memory_job(sealed_array(1, F_SEAL_SHRINK | F_SEAL_GROW | 0x0010), 0, 1).look(),
      Errc::InvalidArgument, "not_sealed", "F_SEAL_WRITE");
}

TEST(Inspect, AFileIsNoSealedArray) {
  UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file);
  expect_error(memory_job(std::move(file), 0, 1).look(), Errc::InvalidArgument,
               "not_sealed", "memfd");
}

TEST(Inspect, ArraysMustLieWithinTheirMemfd) {
  const std::pair<std::uint64_t, std::uint64_t> outside[] = {
      {0, 11},         {8, 10},         {81, 0},
      {UINT64_MAX, 1}, {0, UINT64_MAX}, {16, UINT64_MAX / 8}};
  for (const auto& [offset, count] : outside)
    expect_error(memory_job(sealed_array(10), offset, count).look(),
                 Errc::InvalidArgument, "out_of_bounds", "80 bytes");
  EXPECT_TRUE(memory_job(sealed_array(10), 80, 0).look());
}

TEST(Inspect, RangesAndValuesHaveNoFiles) {
  Job job;
  job.spec.source = model::RangeSource{0, 10, 1};
  EXPECT_EQ(job.look()->type, ElementType::I64);
  EXPECT_TRUE(job.look()->files.empty());
  job.spec.source = model::ValuesSource{ElementType::F32, std::vector<std::byte>(8)};
  EXPECT_EQ(job.look()->type, ElementType::F32);
  job.spec.source = model::ValuesSource{ElementType::F32, std::vector<std::byte>(7)};
  expect_error(job.look(), Errc::InvalidArgument, "bad_values", "7");
}

TEST(FilesInspector, FindsInPartsWhatInspectFindsAtOnce) {
  const auto make = [] {
    std::vector<UniqueFd> files;
    for (int i = 0; i < 5; ++i)
      files.push_back(file_of("b,a\n" + std::string(static_cast<std::size_t>(i), '1')));
    Job job = files_job(FileFormat::Csv, std::move(files));
    job.columns = {"a", "b"};
    return job;
  };
  const auto whole = make().look();
  ASSERT_TRUE(whole);
  for (const std::size_t size : {1U, 2U, 5U}) {
    Job job = make();
    const auto parts = look_in_parts(job, size);
    ASSERT_TRUE(parts);
    ASSERT_EQ(parts->files.size(), 5U);
    for (std::uint32_t i = 0; i < 5; ++i) {
      EXPECT_EQ(parts->files[i].name, "file" + std::to_string(i));
      EXPECT_EQ(parts->files[i].descriptor, i);
      EXPECT_EQ(parts->files[i].bytes, whole->files[i].bytes);
      EXPECT_EQ(parts->files[i].columns, whole->files[i].columns);
    }
  }
}

TEST(FilesInspector, FilesOfLaterPartsMustAgreeWithThoseBefore) {
  const auto npy = [](const std::string& type, std::size_t size) {
    return file_of(
        npy_of("{'descr': '" + type + "', 'fortran_order': False, 'shape': (1,), }",
               std::string(size, '\0')));
  };
  Job job = files_job(FileFormat::Npy, list(npy("<f8", 8), npy("<i4", 4)));
  const auto parts = look_in_parts(job, 1);
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().code(), "mixed_types");
}

TEST(FilesInspector, APipeIsRefused) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd writer(ends[1]);
  Job job = files_job(FileFormat::Csv, list(UniqueFd(ends[0])));
  const auto parts = look_in_parts(job, 1);
  ASSERT_FALSE(parts);
  EXPECT_EQ(parts.error().code(), "not_a_file");
}

}  // namespace
}  // namespace tally::source

#include <gtest/gtest.h>

#include <string>

#include "ipc/codec/control_codec.h"
#include "ipc/codec/job_codec.h"
#include "tests/unit/ipc/samples.h"

namespace tally::ipc {
namespace {

Result<model::JobSpec> through_the_wire(const model::JobSpec& spec) {
  Result<model::Request> request = read_request(request_body(model::Explain{spec}));
  if (!request) return std::move(request).error();
  return std::get<model::Explain>(*request).spec;
}

std::string refusal(const model::JobSpec& spec) {
  const Result<model::JobSpec> read = through_the_wire(spec);
  if (read) return "accepted";
  EXPECT_EQ(read.error().errc(), Errc::InvalidArgument);
  return read.error().code();
}

TEST(SpecCodec, KeepsEveryField) {
  const model::JobSpec spec = sample_spec(model::RangeSource{1, 2, 3});
  const Result<model::JobSpec> read = through_the_wire(spec);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reducers, spec.reducers);
  EXPECT_EQ(read->hint, spec.hint);
  EXPECT_EQ(read->path, spec.path);
  EXPECT_TRUE(read->require_isolated);
  EXPECT_EQ(read->workers, spec.workers);
  EXPECT_EQ(read->chunk_size, spec.chunk_size);
  EXPECT_EQ(read->missing, spec.missing);
  EXPECT_EQ(read->nan, spec.nan);
  EXPECT_EQ(read->timeout_ns, spec.timeout_ns);
  EXPECT_EQ(read->priority, spec.priority);
  EXPECT_EQ(read->on_failure, spec.on_failure);
  EXPECT_EQ(read->client_id, spec.client_id);
  EXPECT_TRUE(read->detached);
  EXPECT_TRUE(read->measure_pss);
  EXPECT_TRUE(read->trace);
  EXPECT_EQ(read->limits, spec.limits);
  ASSERT_EQ(read->kernels.size(), 2U);
  EXPECT_EQ(read->kernels[0].name, "libwords.so");
  EXPECT_EQ(read->kernels[0].descriptor, 63U);
}

TEST(SpecCodec, RefusesMoreKernelFilesThanAJobTakes) {
  model::JobSpec spec = sample_spec(model::RangeSource{1, 2, 3});
  spec.kernels.resize(kMaxKernelFiles);
  EXPECT_EQ(refusal(spec), "accepted");
  spec.kernels.emplace_back();
  EXPECT_EQ(refusal(spec), "too_many_kernels");
}

TEST(SpecCodec, RefusesLimitsOutOfBounds) {
  const std::string longest(model::kMostLimitNameBytes, 'x');
  const std::vector<std::vector<model::TokenLimit>> bad{
      {{"", 1}},
      {{longest + "x", 1}},
      {{"a b", 1}},
      {{"a\n", 1}},
      {{"\xff", 1}},
      {{"nas", 0}},
      {{"nas", 1}, {"nas", 2}},
      std::vector<model::TokenLimit>(1000, {"nas", 1})};
  for (const auto& limits : bad) {
    model::JobSpec spec = sample_spec(model::RangeSource{1, 2, 3});
    spec.limits = limits;
    EXPECT_EQ(refusal(spec), "bad_limit") << limits.size();
  }
  model::JobSpec spec = sample_spec(model::RangeSource{1, 2, 3});
  spec.limits = {{longest, 1}};
  EXPECT_EQ(refusal(spec), "accepted");
}

TEST(SpecCodec, KeepsARange) {
  const model::Source source = sample_sources()[0];
  const Result<model::JobSpec> read = through_the_wire(sample_spec(source));
  ASSERT_TRUE(read);
  const auto& range = std::get<model::RangeSource>(read->source);
  const auto& given = std::get<model::RangeSource>(source);
  EXPECT_EQ(range.start, given.start);
  EXPECT_EQ(range.stop, given.stop);
  EXPECT_EQ(range.step, given.step);
}

TEST(SpecCodec, KeepsValuesToTheByte) {
  const model::Source source = sample_sources()[1];
  const Result<model::JobSpec> read = through_the_wire(sample_spec(source));
  ASSERT_TRUE(read);
  const auto& values = std::get<model::ValuesSource>(read->source);
  EXPECT_EQ(values.type, model::ElementType::F32);
  EXPECT_EQ(values.bytes, std::get<model::ValuesSource>(source).bytes);
}

TEST(SpecCodec, KeepsMemory) {
  const Result<model::JobSpec> read =
      through_the_wire(sample_spec(sample_sources()[3]));
  ASSERT_TRUE(read);
  const auto& memory = std::get<model::MemorySource>(read->source);
  EXPECT_EQ(memory.type, model::ElementType::U64);
  EXPECT_EQ(memory.descriptor, 1U);
  EXPECT_EQ(memory.offset_bytes, 4096U);
  EXPECT_EQ(memory.count, ~std::uint64_t{0});
}

TEST(SpecCodec, KeepsASecondArray) {
  const Result<model::JobSpec> read =
      through_the_wire(sample_spec(sample_sources().back()));
  ASSERT_TRUE(read);
  const auto& memory = std::get<model::MemorySource>(read->source);
  ASSERT_TRUE(memory.second);
  EXPECT_EQ(memory.second->type, model::ElementType::I8);
  EXPECT_EQ(memory.second->descriptor, 1U);
  EXPECT_EQ(memory.second->offset_bytes, ~std::uint64_t{0});
  EXPECT_EQ(memory.second->count, 3U);
}

TEST(SpecCodec, KeepsFilesAndWhetherATypeWasGiven) {
  Result<model::JobSpec> read = through_the_wire(sample_spec(sample_sources()[4]));
  ASSERT_TRUE(read);
  const auto& csv = std::get<model::FilesSource>(read->source);
  EXPECT_EQ(csv.format, model::FileFormat::Csv);
  EXPECT_FALSE(csv.type);
  EXPECT_EQ(csv.csv.delimiter, ';');
  EXPECT_FALSE(csv.csv.header);
  ASSERT_EQ(csv.files.size(), 2U);
  EXPECT_EQ(csv.files[1].name, std::string("b\0c", 3));
  EXPECT_EQ(csv.files[1].descriptor, 1U);
  EXPECT_EQ(csv.files[0].start_bytes, 0U);
  EXPECT_EQ(csv.files[1].start_bytes, 77U);

  read = through_the_wire(sample_spec(sample_sources()[5]));
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<model::FilesSource>(read->source).type, model::ElementType::I8);
}

TEST(SpecCodec, ALabelThatIsNotGivenIsTheReducersName) {
  model::JobSpec spec = sample_spec(model::RangeSource{});
  spec.reducers = {{"mean", {}, "", ""}};
  const Result<model::JobSpec> read = through_the_wire(spec);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reducers[0].label, "mean");
}

TEST(SpecCodec, RefusesTooManyReducersAndNone) {
  model::JobSpec spec = sample_spec(model::RangeSource{});
  spec.reducers.assign(kMaxReducers, {"sum", {}, "", "s"});
  EXPECT_EQ(refusal(spec), "accepted");
  spec.reducers.push_back({"sum", {}, "", "s"});
  EXPECT_EQ(refusal(spec), "bad_reducers");
  spec.reducers.clear();
  EXPECT_EQ(refusal(spec), "bad_reducers");
}

TEST(SpecCodec, RefusesTooManyFiles) {
  model::FilesSource files;
  files.files.assign(kMaxFiles, {"f", 0});
  EXPECT_EQ(refusal(sample_spec(files)), "accepted");
  files.files.push_back({"f", 0});
  EXPECT_EQ(refusal(sample_spec(files)), "too_many_files");
}

TEST(SpecCodec, TakesManyFilesWhereTheyComeInWindows) {
  model::FilesSource files;
  files.windowed = true;
  files.files.assign(10'000, {"many/00000.npy", 0});
  const Result<model::JobSpec> read = through_the_wire(sample_spec(files));
  ASSERT_TRUE(read);
  const auto& source = std::get<model::FilesSource>(read->source);
  EXPECT_TRUE(source.windowed);
  EXPECT_EQ(source.files.size(), 10'000U);
}

TEST(SpecCodec, RefusesNumbersThatNameNothing) {
  model::JobSpec spec = sample_spec(model::RangeSource{});
  spec.hint = static_cast<model::Hint>(3);
  EXPECT_EQ(refusal(spec), "bad_enum");
  spec = sample_spec(model::RangeSource{});
  spec.path = static_cast<model::Path>(200);
  EXPECT_EQ(refusal(spec), "bad_enum");
  spec = sample_spec(model::RangeSource{});
  spec.nan = static_cast<model::NanPolicy>(3);
  EXPECT_EQ(refusal(spec), "bad_enum");
  spec = sample_spec(model::RangeSource{});
  spec.missing = static_cast<model::MissingPolicy>(2);
  EXPECT_EQ(refusal(spec), "bad_enum");
  EXPECT_EQ(refusal(sample_spec(model::ValuesSource{model::ElementType{0}, {}})),
            "bad_enum");
  EXPECT_EQ(
      refusal(sample_spec(model::MemorySource{{model::ElementType{11}, 0, 0, 0}, {}})),
      "bad_enum");
}

TEST(SpecCodec, ARequestOverOneMebibyteIsRefusedWhereItIsMade) {
  const model::ValuesSource values{model::ElementType::I8,
                                   std::vector<std::byte>(kMaxRequestBytes)};
  Bytes out;
  const Result<void> added =
      append_request(out, 1, 0, model::Explain{sample_spec(values)});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code(), "message_too_large");
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace tally::ipc

#include "client/cli/job_request.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/cli/parsed.h"

namespace tally::cli {
namespace {

// Runs build_job on "run sum" and these words.
Result<JobRequest> build(std::vector<const char*> words) {
  words.insert(words.begin(), {"run", "sum"});
  const Result<Args> args = parse_args(words);
  if (!args) return args.error();
  return build_job(*args);
}

TEST(JobRequestTest, ReadsEveryLimitAndChoice) {
  const Result<JobRequest> job = build(
      {"--range", "0:10", "--hint", "io", "--path", "process", "--require", "isolated",
       "--workers", "2", "--chunk", "1e6", "--timeout", "250ms", "--nan", "skip"});
  ASSERT_TRUE(job) << message_of(job);
  EXPECT_EQ(job->spec.hint, model::Hint::Io);
  EXPECT_EQ(job->spec.path, model::Path::Process);
  EXPECT_TRUE(job->spec.require_isolated);
  EXPECT_EQ(job->spec.workers, 2U);
  EXPECT_EQ(job->spec.chunk_size, 1'000'000U);
  EXPECT_EQ(job->spec.timeout_ns, 250'000'000U);
  EXPECT_EQ(job->spec.nan, model::NanPolicy::Skip);
}

TEST(JobRequestTest, WithoutOptionsEverythingIsLeftToTheDaemon) {
  const Result<JobRequest> job = build({"--range", "0:10"});
  ASSERT_TRUE(job);
  EXPECT_EQ(job->spec.path, model::Path::Any);
  EXPECT_EQ(job->spec.hint, model::Hint::Auto);
  EXPECT_EQ(job->spec.workers, 0U);
  EXPECT_EQ(job->spec.timeout_ns, 0U);
  EXPECT_FALSE(job->spec.detached);
}

TEST(JobRequestTest, LimitsThatMakeNoSenseAreRefused) {
  for (const auto& words : {std::vector<const char*>{"--workers", "0"},
                            std::vector<const char*>{"--workers", "4294967296"},
                            std::vector<const char*>{"--chunk", "0"},
                            std::vector<const char*>{"--chunk", "-5"},
                            std::vector<const char*>{"--timeout", "0s"},
                            std::vector<const char*>{"--timeout", "5"},
                            std::vector<const char*>{"--hint", "gpu"},
                            std::vector<const char*>{"--path", "inline"},
                            std::vector<const char*>{"--require", "speed"},
                            std::vector<const char*>{"--nan", "drop"}}) {
    std::vector<const char*> line{"--range", "0:10"};
    line.insert(line.end(), words.begin(), words.end());
    const Result<JobRequest> job = build(line);
    ASSERT_FALSE(job) << words[0] << " " << words[1];
    EXPECT_EQ(job.error().errc(), Errc::InvalidArgument);
    EXPECT_NE(message_of(job).find(words[0]), std::string::npos) << message_of(job);
  }
}

TEST(JobRequestTest, ANearMissIsSuggested) {
  EXPECT_EQ(message_of(build({"--range", "0:1", "--path", "proces"})),
            "--path \"proces\" is not known; it takes thread or process; did you mean "
            "process?");
  EXPECT_NE(message_of(build({"--values", "1", "--dtype", "f46"})).find("f64"),
            std::string::npos);
}

TEST(JobRequestTest, ThereIsOneSource) {
  EXPECT_EQ(code_of(build({})), "no_source");
  EXPECT_EQ(code_of(build({"--range", "0:1", "--values", "1"})), "several_sources");
  EXPECT_EQ(code_of(build({"--range", "0:1", "a.csv"})), "several_sources");
  EXPECT_EQ(code_of(build({"-", "-"})), "same_stream");
}

TEST(JobRequestTest, ValuesAreDoublesUnlessADtypeIsGiven) {
  const Result<JobRequest> job = build({"--values", "-1,2"});
  ASSERT_TRUE(job);
  EXPECT_EQ(std::get<model::ValuesSource>(job->spec.source).type,
            model::ElementType::F64);
  const Result<JobRequest> typed = build({"--values", "-1,2", "--dtype", "i8"});
  ASSERT_TRUE(typed);
  EXPECT_EQ(std::get<model::ValuesSource>(typed->spec.source).bytes.size(), 2U);
}

TEST(JobRequestTest, OptionsOfFilesDoNotApplyToOtherSources) {
  for (const char* option :
       {"--delimiter=;", "--header=no", "--format=csv", "--missing=skip"})
    for (const char* source : {"--range=0:1", "--values=1"})
      EXPECT_EQ(code_of(build({source, option})), "option_does_not_apply") << option;
  EXPECT_EQ(code_of(build({"--range=0:1", "--dtype=f64"})), "option_does_not_apply");
  EXPECT_TRUE(build({"--range=0:1", "--dtype=i64"}));
}

class JobFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "tally_job_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Makes the file; its path lives as long as the test.
  const char* file(const std::string& name) {
    paths_.push_back(std::make_unique<std::string>(folder_ + "/" + name));
    std::ofstream(*paths_.back()) << "x\n1\n";
    return paths_.back()->c_str();
  }
  static model::FilesSource source_of(const Result<JobRequest>& job) {
    if (job) return std::get<model::FilesSource>(job->spec.source);
    ADD_FAILURE() << job.error().message();
    return {};
  }

  std::string folder_;
  std::vector<std::unique_ptr<std::string>> paths_;
};

TEST_F(JobFilesTest, FilesAreOpenedInTheOrderOfTheLine) {
  const char* const first = file("a.csv");
  const char* const second = file("b.csv");
  const Result<JobRequest> job = build({first, second});
  const model::FilesSource source = source_of(job);
  ASSERT_EQ(source.files.size(), 2U);
  EXPECT_EQ(source.files[0].name, first);
  EXPECT_EQ(source.files[1].name, second);
  EXPECT_EQ(source.files[1].descriptor, 1U);
  EXPECT_EQ(job->descriptors().size(), 2U);
  EXPECT_TRUE(source.csv.header);
  EXPECT_EQ(source.csv.delimiter, ',');
}

TEST_F(JobFilesTest, TheDialectGoesByOptionThenByExtension) {
  EXPECT_EQ(source_of(build({file("a.tsv")})).csv.delimiter, '\t');
  EXPECT_EQ(source_of(build({file("a.tsv"), "--delimiter", ";"})).csv.delimiter, ';');
  EXPECT_EQ(source_of(build({file("a.csv"), "--delimiter", "tab"})).csv.delimiter,
            '\t');
  EXPECT_FALSE(source_of(build({file("a.csv"), "--header", "no"})).csv.header);
  for (const char* bad : {"", ";;", "\"", "\n", "\xC3"})
    EXPECT_EQ(code_of(build({file("a.csv"), "--delimiter", bad})), "bad_option");
}

TEST_F(JobFilesTest, RawFilesNeedADtypeAndNpyFilesHaveOne) {
  EXPECT_EQ(code_of(build({file("a.raw")})), "type_needed");
  EXPECT_EQ(source_of(build({file("a.raw"), "--dtype", "i16"})).type,
            model::ElementType::I16);
  EXPECT_EQ(source_of(build({file("a.f32")})).type, model::ElementType::F32);
  EXPECT_EQ(code_of(build({file("a.npy"), "--dtype", "f64"})), "option_does_not_apply");
  EXPECT_EQ(code_of(build({file("a.npy"), "--header", "no"})), "option_does_not_apply");
}

TEST_F(JobFilesTest, TheFormatOverridesTheExtension) {
  EXPECT_EQ(source_of(build({file("data"), "--format", "csv"})).format,
            model::FileFormat::Csv);
  EXPECT_EQ(
      source_of(build({file("a.csv"), "--format", "raw", "--dtype", "u8"})).format,
      model::FileFormat::Raw);
  EXPECT_EQ(source_of(build({file("a.f32"), "--format", "csv"})).type, std::nullopt);
  EXPECT_NE(message_of(build({file("a.csv"), "--format", "cvs"})).find("mean csv?"),
            std::string::npos);
}

TEST_F(JobFilesTest, WhatANameDoesNotSayIsGuessed) {
  EXPECT_EQ(source_of(build({file("data")})).format, model::FileFormat::Text);
  EXPECT_EQ(source_of(build({file("run.log")})).format, model::FileFormat::Text);
  EXPECT_EQ(source_of(build({file("data"), "--column", "x"})).format,
            model::FileFormat::Csv);
  EXPECT_EQ(source_of(build({file("data"), "--header", "no"})).format,
            model::FileFormat::Csv);
  EXPECT_EQ(source_of(build({file("data"), file("b.tsv")})).csv.delimiter, '\t');
  EXPECT_EQ(source_of(build({file("data"), file("b.f32")})).type,
            model::ElementType::F32);
  EXPECT_EQ(code_of(build({file("a.csv.gz")})), "unknown_format");
  EXPECT_EQ(source_of(build({file("a.gz"), "--format", "csv"})).format,
            model::FileFormat::Csv);
}

TEST_F(JobFilesTest, FilesAreOfOneKind) {
  EXPECT_EQ(code_of(build({file("a.csv"), file("b.npy")})), "mixed_formats");
  EXPECT_EQ(code_of(build({file("a.csv"), file("b.tsv")})), "mixed_formats");
  EXPECT_TRUE(build({file("a.csv"), file("b.tsv"), "--delimiter", ";"}));
}

TEST_F(JobFilesTest, MoreThan64FilesAreOpenedWhenTheyAreAskedFor) {
  std::vector<const char*> names(64, file("a.csv"));
  const auto few = build(names);
  ASSERT_TRUE(few);
  EXPECT_EQ(few->descriptors().size(), 64U);
  EXPECT_FALSE(few->opener());
  names.push_back(names[0]);
  const auto many = build(names);
  ASSERT_TRUE(many);
  EXPECT_TRUE(std::get<model::FilesSource>(many->spec.source).windowed);
  EXPECT_TRUE(many->descriptors().empty());
  const auto opened = many->opener()(64);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(many->reads(opened->get()));
  EXPECT_FALSE(many->opener()(65));
}

TEST_F(JobFilesTest, OfManyFilesEachIsCheckedAtOnce) {
  std::vector<const char*> names(100, file("a.csv"));
  names[80] = "/no/such/file.csv";
  EXPECT_EQ(code_of(build(names)), "file_not_found");
  names[80] = "/dev/null";
  EXPECT_EQ(code_of(build(names)), "no_stream");
}

TEST_F(JobFilesTest, AJobTakesAtMost65536Files) {
  const std::vector<const char*> names(65'537, file("a.csv"));
  EXPECT_EQ(code_of(build(names)), "too_many_files");
}

}  // namespace
}  // namespace tally::cli

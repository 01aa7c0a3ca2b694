// Streams: the readers over pipes, and the waiting itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <numeric>
#include <optional>
#include <thread>

#include "runtime/source/block_reader.h"
#include "runtime/source/inspect.h"
#include "runtime/source/pipe_read.h"
#include "runtime/source/record_buffer.h"
#include "tests/unit/runtime/source/test_files.h"

namespace tally::source {
namespace {

using model::ElementType;
using model::FileFormat;
using test::field;
using test::says;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reading = UniqueFd(ends[0]);
    writing = UniqueFd(ends[1]);
  }
  void write(std::string_view bytes) const {
    EXPECT_EQ(::write(writing.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }

  UniqueFd reading;
  UniqueFd writing;
};

// A thread that writes `bytes`, some at a time, and closes the pipe.
class Producer {
 public:
  Producer(Pipe& pipe, std::string bytes, std::size_t step)
      : thread_([writing = std::move(pipe.writing), text = std::move(bytes), step] {
          for (std::size_t at = 0; at < text.size(); at += step) {
            const auto part = std::string_view(text).substr(at, step);
            std::size_t done = 0;
            while (done < part.size()) {
              const ssize_t wrote =
                  ::write(writing.get(), part.data() + done, part.size() - done);
              if (wrote < 0) return;
              done += static_cast<std::size_t>(wrote);
            }
          }
        }) {}
  ~Producer() { thread_.join(); }

 private:
  std::thread thread_;
};

struct Read {
  std::vector<double> elements;  // of the first column
  std::uint64_t extent = 0;
  std::vector<model::Span> spans;
  std::optional<Error> error;
};

model::ChunkTask task_of(FileFormat format, std::vector<std::string> selectors,
                         ElementType type = ElementType::F64) {
  model::ChunkTask task;
  task.type = type;
  task.columns.resize(selectors.size());
  for (model::ColumnTask& column : task.columns) column.families = {model::Family::Sum};
  model::FilePieces pieces;
  pieces.format = format;
  model::FilePiece& piece = pieces.pieces.emplace_back();
  piece.file = 3;
  piece.name = "pipe";
  piece.stream.emplace().selectors = std::move(selectors);
  task.piece = std::move(pieces);
  return task;
}

Read read_stream(const model::ChunkTask& task, int descriptor) {
  Scratch scratch;
  Read read;
  const auto reader = open_reader(task, {&descriptor, 1}, scratch);
  if (!reader) {
    read.error = reader.error();
    return read;
  }
  Batch batch;
  for (;;) {
    const auto more = (*reader)->next(batch);
    if (!more) read.error = more.error();
    if (!more || !*more) break;
    read.extent += batch.extent;
    const reduce::Block& block = batch.columns.at(0);
    for (std::size_t i = 0; i < block.count; ++i)
      read.elements.push_back(model::with_type(task.type, [&](auto zero) {
        return static_cast<double>(static_cast<const decltype(zero)*>(block.data)[i]);
      }));
  }
  (*reader)->spans(read.spans);
  return read;
}

Read read_bytes(const model::ChunkTask& task, const std::string& bytes,
                std::size_t step) {
  Pipe pipe;
  const UniqueFd reading = std::move(pipe.reading);
  const Producer producer(pipe, bytes, step);
  return read_stream(task, reading.get());
}

std::vector<double> counted(std::size_t count) {
  std::vector<double> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0.0);
  return numbers;
}

using Spans = std::vector<model::Span>;

TEST(Streams, TextCsvAndRawAreReadAsTheyCome) {
  const std::vector<double> numbers = counted(20'000);
  std::string text;
  std::string csv = "\n\"a,b\",x\n";
  for (const double number : numbers) {
    text += std::to_string(static_cast<int>(number)) + "\n";
    csv += "no," + std::to_string(static_cast<int>(number)) + "\r\n";
  }
  const std::string raw = test::bytes_of(numbers);
  for (const std::size_t step : {1UL, 7UL, 4096UL, 100'000UL}) {
    const Read of_text = read_bytes(task_of(FileFormat::Text, {""}), text, step);
    EXPECT_EQ(of_text.elements, numbers);
    EXPECT_EQ(of_text.spans, (Spans{{3, 0, text.size()}}));
    EXPECT_EQ(of_text.extent, text.size());
    const Read of_csv = read_bytes(task_of(FileFormat::Csv, {"x"}), csv, step);
    EXPECT_EQ(of_csv.elements, numbers);
    EXPECT_EQ(of_csv.spans, (Spans{{3, 0, csv.size()}}));
    const Read of_raw = read_bytes(task_of(FileFormat::Raw, {""}), raw, step);
    EXPECT_EQ(of_raw.elements, numbers);
    EXPECT_EQ(of_raw.spans, (Spans{{3, 0, numbers.size()}}));
    EXPECT_EQ(of_raw.extent, numbers.size());
  }
}

TEST(Streams, AnEmptyOneHasNoElementsAndNoSpans) {
  for (const FileFormat format : {FileFormat::Text, FileFormat::Csv, FileFormat::Raw}) {
    const Read read = read_bytes(task_of(format, {""}), "", 1);
    EXPECT_FALSE(read.error);
    EXPECT_TRUE(read.elements.empty());
    EXPECT_TRUE(read.spans.empty());
  }
}

TEST(Streams, ColumnsAreFoundWhenTheHeaderHasCome) {
  const std::string csv = "x,y,z\n1,2,3\n4,5,6\n";
  EXPECT_EQ(read_bytes(task_of(FileFormat::Csv, {"z", "x"}), csv, 1).elements,
            (std::vector<double>{3, 6}));
  EXPECT_EQ(read_bytes(task_of(FileFormat::Csv, {"2"}), csv, 5).elements,
            (std::vector<double>{2, 5}));
  const Read unknown = read_bytes(task_of(FileFormat::Csv, {"w"}), csv, 1);
  ASSERT_TRUE(unknown.error);
  EXPECT_EQ(unknown.error->errc(), Errc::InvalidArgument);
  EXPECT_EQ(unknown.error->code(), "unknown_column");
  EXPECT_TRUE(says(*unknown.error, "x, y, z"));
  EXPECT_EQ(read_bytes(task_of(FileFormat::Csv, {""}), csv, 1).error->code(),
            "column_needed");
}

TEST(Streams, ErrorsNameTheLine) {
  const Read read = read_bytes(task_of(FileFormat::Csv, {"x"}), "\nx\n1\n\nfive\n", 1);
  ASSERT_TRUE(read.error);
  EXPECT_EQ(field(*read.error, "file"), "pipe");
  EXPECT_EQ(field(*read.error, "line"), "5");
}

TEST(Streams, ARawOneThatEndsWithinAnElementIsAnError) {
  const Read read = read_bytes(task_of(FileFormat::Raw, {""}), "123456789", 2);
  ASSERT_TRUE(read.error);
  EXPECT_EQ(read.error->code(), "bad_raw_size");
  EXPECT_EQ(field(*read.error, "found_bytes"), "9");
}

TEST(Streams, ALongRecordGrowsAndIsBounded) {
  const std::string cell(std::size_t{1} << 20, ' ');
  EXPECT_EQ(read_bytes(task_of(FileFormat::Csv, {"x"}), "x\n" + cell + "7\n", 1 << 16)
                .elements,
            (std::vector<double>{7}));
  const std::string quote = "x\n\"" + std::string(kMaxRecordBytes + 1, 'q');
  EXPECT_EQ(read_bytes(task_of(FileFormat::Csv, {"x"}), quote, 1 << 16).error->code(),
            "record_too_long");
}

TEST(Streams, WaitingEndsWhenTheJobIsCalledOff) {
  const Pipe pipe;  // nobody ever writes
  std::atomic<std::uint64_t> cancelled{0};
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    cancelled = 8;
  });
  std::byte byte{};
  const auto read =
      read_pipe(pipe.reading.get(), {&byte, 1}, Cancellation(cancelled, 8), "pipe");
  canceller.join();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().errc(), Errc::Cancelled);
}

TEST(Streams, ANonBlockingPipeIsWaitedForAsWell) {
  Pipe pipe;
  ASSERT_EQ(::fcntl(pipe.reading.get(), F_SETFL, O_NONBLOCK), 0);
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pipe.write("late");
  });
  std::byte bytes[8];
  const auto read = read_pipe(pipe.reading.get(), bytes, {}, "pipe");
  writer.join();
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, 4U);
}

// Another reader empties the pipe again and again just when we were told of bytes: we
// must never be stuck in a read. It would hang here if we were.
TEST(Streams, AReaderThatIsQuickerDoesNotHoldUsUp) {
  const Pipe pipe;
  ASSERT_EQ(::fcntl(pipe.writing.get(), F_SETFL, O_NONBLOCK), 0);
  std::atomic<std::uint64_t> cancelled{0};
  std::atomic<bool> done{false};
  std::thread other([&] {
    const UniqueFd own(
        ::open(("/proc/self/fd/" + std::to_string(pipe.reading.get())).c_str(),
               O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    char byte{};
    for (int i = 0; i < 20'000; ++i) {
      (void)!::write(pipe.writing.get(), "x", 1);
      (void)!::read(own.get(), &byte, 1);
    }
    cancelled = 8;
    done = true;
  });
  for (;;) {
    std::byte byte{};
    const auto read =
        read_pipe(pipe.reading.get(), {&byte, 1}, Cancellation(cancelled, 8), "pipe");
    if (!read) {
      EXPECT_EQ(read.error().errc(), Errc::Cancelled);
      break;
    }
  }
  other.join();
  EXPECT_TRUE(done);
}

Result<Inspection> inspect_pipes(FileFormat format, const std::vector<int>& readings) {
  model::JobSpec spec;
  model::FilesSource files;
  files.format = format;
  files.type = ElementType::F64;
  std::vector<UniqueFd> descriptors;
  for (std::uint32_t i = 0; i < readings.size(); ++i) {
    files.files.push_back({"pipe" + std::to_string(i), i});
    descriptors.emplace_back(::dup(readings[i]));
  }
  spec.source = files;
  return inspect(spec, {""}, descriptors);
}

TEST(Streams, InspectionTakesNothingFromThem) {
  const Pipe pipe;
  pipe.write("x\n1\n");
  for (const FileFormat format : {FileFormat::Text, FileFormat::Csv, FileFormat::Raw}) {
    const auto found = inspect_pipes(format, {pipe.reading.get()});
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_TRUE(found->streams);
    EXPECT_TRUE(found->files.at(0).stream);
  }
  char bytes[8];
  EXPECT_EQ(::read(pipe.reading.get(), bytes, sizeof bytes), 4);
}

TEST(Streams, TheSamePipeTwiceIsRefused) {
  const Pipe pipe;
  const Pipe other;
  const auto found = inspect_pipes(
      FileFormat::Text, {pipe.reading.get(), other.reading.get(), pipe.reading.get()});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), "same_stream");
  EXPECT_TRUE(says(found.error(), "pipe2: is the same pipe as pipe0"));
  EXPECT_TRUE(
      inspect_pipes(FileFormat::Text, {pipe.reading.get(), other.reading.get()}));
}

TEST(Streams, NpyIsRefused) {
  const Pipe pipe;
  EXPECT_EQ(inspect_pipes(FileFormat::Npy, {pipe.reading.get()}).error().code(),
            "no_stream");
}

}  // namespace
}  // namespace tally::source

#include "tests/unit/ipc/samples.h"

#include <bit>
#include <limits>
#include <string>
#include <utility>

#include "ipc/codec/control_codec.h"

namespace tally::ipc {
namespace {

std::vector<std::byte> bytes_of(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i * 7);
  return bytes;
}

Error sample_error() {
  return Error(Errc::InvalidData, "bad_cell", "no number: \"abc\"")
      .with("file", std::string("a b.csv"))
      .with("line", std::int64_t{17})
      .with("least", std::numeric_limits<std::int64_t>::min());
}

model::ReducerResult result(std::string label, model::Value value) {
  model::ReducerResult made;
  made.label = std::move(label);
  made.reducer = "some";
  made.args = {"0.5", ""};
  made.column = "temp \xC3\xA9";
  made.value = std::move(value);
  return made;
}

model::ImageHash sample_hash() {
  model::ImageHash hash;
  for (std::size_t i = 0; i < hash.size(); ++i) hash[i] = static_cast<std::byte>(i * 9);
  return hash;
}

model::KernelInfo sample_kernel() {
  model::KernelInfo info;
  info.name = "logsum";
  info.summary = "the sum of logarithms \xC3\xA9";
  info.types = ~std::uint64_t{0};
  info.columns = 2;
  info.exact = true;
  info.sync = true;
  info.parameters = {
      {"base", "of the logarithm", "2"}, {"empty", "", ""}, {"needed", "", {}}};
  info.state_bytes = std::uint64_t{1} << 40;
  return info;
}

Bytes body_only(Bytes frame) {
  frame.erase(frame.begin(), frame.begin() + kFrameHeaderBytes);
  return frame;
}

model::ChunkTask sample_task(model::Piece piece) {
  model::ChunkTask task;
  task.key = {5, 1, 2, 3};
  task.type = model::ElementType::U16;
  task.columns = {{{model::Family::Sum, model::Family::Extremes}}, {{}}};
  task.columns[1].histograms = {{10, -0.5, 1e300, {}}, {2, -1, 4, {-1, 0, 4}}};
  task.columns[1].windows = {{-7, 1LL << 62}, {5, 5, 1 << 18, ~std::uint64_t{0}}};
  task.missing = model::MissingPolicy::Skip;
  task.nan = model::NanPolicy::Error;
  task.piece = std::move(piece);
  return task;
}

// Two arrays, as columns that are paired.
model::ChunkTask sample_pair_task() {
  model::FilePiece piece;
  piece.partner = {"b.npy", 1, ~std::uint64_t{0}, 78};
  model::ChunkTask task =
      sample_task(model::FilePieces{model::FileFormat::Raw, {}, {piece}, 77});
  for (const model::ColumnPair pair : {model::ColumnPair{0, 1}, {1, 1}}) {
    task.columns.emplace_back().families = {model::Family::Dot};
    task.columns.back().pair = pair;
  }
  return task;
}

// Two images, one of which the worker has, and a kernel over a column of text.
model::ChunkTask sample_kernel_task(model::Piece piece) {
  model::ChunkTask task = sample_task(std::move(piece));
  task.columns[1].text = true;
  task.images = {{sample_hash(), "libwords.so", 3}, {{}, "", std::nullopt}};
  task.kernels = {{sample_hash(), "libwords.so", "words", {1, 0}, {{"top", "3"}, {}}},
                  {{}, "", "", {}, {}}};
  task.finish_kernels = true;
  task.kernel_memory_bytes = std::uint64_t{1} << 33;
  task.sync_descriptor = 4;
  return task;
}

model::Partial sample_partial() {
  model::Partial partial;
  partial.key = {5, 1, 2, 3};
  partial.spans = {{0, 10, 20}, {3, 0, ~std::uint64_t{0}}};
  partial.columns = {
      {{30, 20, 4, 6},
       {{model::Family::Sum, 2, bytes_of(272)}, {model::Family::Extremes, 1, {}}}}};
  partial.usage = {1, 2, 3, 4096, std::nullopt, 5};
  return partial;
}

model::Partial sample_kernel_partial() {
  model::Partial partial = sample_partial();
  partial.kernels = {{{3, 2, 1, 0}, bytes_of(77)}, {}};
  partial.outputs = {{{"all", Int128{-1} << 100},
                      {"minus zero", -0.0},
                      {"f32 nan", std::bit_cast<float>(std::uint32_t{0x7fc12345})},
                      {"most", std::string("a \xff b")},
                      {"none", Error(Errc::NoValue, "mean of nothing")}},
                     {}};
  partial.described = {{sample_kernel(), {}}, {}};
  return partial;
}

}  // namespace

model::JobSpec sample_spec(model::Source source) {
  model::JobSpec spec;
  spec.reducers = {{"sum", {}, "", "sum"}, {"quantile", {"0.5", "0.99"}, "temp", "q"}};
  spec.source = std::move(source);
  spec.hint = model::Hint::Io;
  spec.path = model::Path::Process;
  spec.require_isolated = true;
  spec.workers = 3;
  spec.chunk_size = std::uint64_t{1} << 40;
  spec.missing = model::MissingPolicy::Skip;
  spec.nan = model::NanPolicy::Error;
  spec.timeout_ns = 30'000'000'000;
  spec.priority = -5;
  spec.on_failure = model::FailurePolicy::Partial;
  spec.client_id = "mine";
  spec.detached = true;
  spec.measure_pss = true;
  spec.trace = true;
  spec.kernels = {{"libwords.so", 63}, {"", 0}};
  spec.limits = {{"nas", 4}, {"a.b-c_9", 0xFFFFFFFF}};
  return spec;
}

std::vector<model::Source> sample_sources() {
  model::FilesSource csv;
  csv.format = model::FileFormat::Csv;
  csv.csv = {';', false};
  csv.files = {{"a.csv", 0, 0}, {std::string("b\0c", 3), 1, 77}};
  model::FilesSource raw;
  raw.format = model::FileFormat::Raw;
  raw.type = model::ElementType::I8;
  raw.files = {{"x.raw", 63}};
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  return {
      model::RangeSource{kLeast, kMost, -7},
      model::ValuesSource{model::ElementType::F32, bytes_of(40)},
      model::ValuesSource{model::ElementType::F64, {}},
      model::MemorySource{{model::ElementType::U64, 1, 4096, ~std::uint64_t{0}}, {}},
      std::move(csv),
      std::move(raw),
      model::MemorySource{
          {model::ElementType::F32, 2, 8, 9},
          model::MemoryArray{model::ElementType::I8, 1, ~std::uint64_t{0}, 3}}};
}

model::JobAnswer sample_answer() {
  model::JobAnswer answer;
  answer.id = {0x7f3a91c2004be810, 17};
  answer.state = model::JobState::Failed;
  answer.error = sample_error();
  constexpr auto kLeast = static_cast<Int128>(UInt128{1} << 127);
  answer.results = {
      result("least", kLeast),
      result("minus one", Int128{-1}),
      result("minus zero", -0.0),
      result("payload", std::bit_cast<double>(std::uint64_t{0xfff8dead0000beef})),
      result("f32 nan", std::bit_cast<float>(std::uint32_t{0x7fc12345})),
      result("in a file", model::ElementIndex{"f.npy", 42}),
      result("no file", model::ElementIndex{std::nullopt, ~std::uint64_t{0}}),
      result("text", std::string("a \n\xff b")),
      result("histogram",
             model::Histogram{{-1, 0.5, 2}, {~std::uint64_t{0}, 0}, 1, 2, 3}),
      result("none", std::monostate())};
  answer.results.back().error = Error(Errc::NoValue, "mean of nothing");
  answer.elements = {10, 7, 2, 1};
  answer.daemon_kind = model::DaemonKind::Embedded;
  answer.daemon_pid = 4000;
  answer.path = model::Path::Process;
  answer.reason = "hint cpu";
  answer.workers = 2;
  answer.chunks = 16;
  answer.retries = 1;
  answer.time = {1, 2, 3, 4, 5, 6, 21, 8, 9};
  answer.memory = {1, std::nullopt, 0, 4, 5, 12.5};
  answer.worker_usage = {{0, 4242, 8, 9, 10, 11, 12},
                         {1, 4243, 1, 2, 3, 4, std::nullopt}};
  answer.trace = {{{0, 4242, 5, 1, 10, 20, model::ChunkEnd::Lost},
                   {1, 4243, 5, 2, 30, 40, model::ChunkEnd::Done}},
                  7};
  answer.kernels = {{"words", "libwords.so", sample_hash()}, {}};
  answer.missing = {{"f.npy", 0, ~std::uint64_t{0}, false, sample_error()},
                    {std::nullopt, 1, 2, true, sample_error()}};
  answer.stopped = model::Stopped{model::StopMeans::Sigkill, 13};
  return answer;
}

std::vector<model::Request> sample_requests() {
  std::vector<model::Request> requests{
      model::Hello{1, 1, "0.1.0", 77, 10'000, 0x7f3a91c2004be810},
      model::Wait{model::JobId{1, 2}},
      model::Wait{model::ClientId{"mine"}},
      model::Wait{model::JobIdPattern{7, 16, 2}},
      model::Status{model::SubmitSequence{9}},
      model::List{},
      model::Cancel{model::SubmitSequence{~0U}},
      model::GetServerStatus{},
      model::Drain{},
      model::Ping{},
      model::Leave{},
      model::ListKernels{},
      model::ListKernels{{{"libwords.so", 0}, {"a b.so", 1}}},
      model::SendFiles{64, {}},
      model::SendFiles{7, Error(Errc::Io, "file_lost", "gone")}};
  for (const model::Source& source : sample_sources()) {
    requests.push_back(
        model::Submit{sample_spec(source), model::ReplyWhen::Accepted, true});
    requests.push_back(model::Explain{sample_spec(source)});
  }
  return requests;
}

std::vector<model::Reply> sample_replies() {
  model::ServerStatus status;
  status.version = "0.1.0";
  status.pid = 1;
  status.kind = model::DaemonKind::User;
  status.socket = "/run/tally/tally.sock";
  status.uptime_ns = 2;
  status.zygote_pid = 3;
  status.zygote_restarts = 4;
  status.workers = {
      {0, 10, "busy", model::JobId{1, 2}, 3, 4, 5, std::nullopt, "chunk 1", 7, 'T'},
      {1, 0, "dead", std::nullopt, 3, 4, std::nullopt, 6, "", 0, 0}};
  status.degraded = "workers die";
  status.threads_running = 5;
  status.threads_busy = 6;
  status.threads_max = 7;
  status.usable_cores = 8;
  status.core_bounds = {{"affinity", 2.0}, {"cgroup quota", 1.5}};
  status.jobs_queued = 9;
  status.jobs_running = 10;
  status.jobs_finished = 11;
  status.chunks_waiting = 12;
  status.sessions = 13;
  status.daemon_rss_bytes = 14;
  status.workers_pss_bytes = 15;
  status.system_used_percent = 16.25;
  status.draining = true;
  status.totals = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  status.tokens = {{"nas", 4, 1}};
  status.sandbox = "seccomp, landlock 4";
  status.health = {
      {model::Path::Thread, model::HealthState::Ok, 17, 18, ""},
      {model::Path::Process, model::HealthState::Wrong, std::nullopt, 0, "sum"}};
  status.settings = {{"pool.workers", std::int64_t{-2}, false, true, true},
                     {"daemon.socket", std::string("/run"), true, false, false},
                     {"access.users", std::vector<std::uint32_t>{0, 1000}, {}, {}, {}}};
  const model::JobSummary summary{
      {1, 2}, model::JobState::Running, 1000, "sum,mean", model::Path::Thread, 3, 4, 5};
  const model::JobPlan plan{model::Path::Inline, "tiny", 1, 2, 3, 4, true, 5, 6, 7, 8};
  model::JobAnswer blank;
  blank.state = model::JobState::Done;
  return {sample_error(),
          model::Hello{1, 1, "0.1.0", 77, 10'000, 0x7f3a91c2004be810},
          model::Accepted{{1, 2}},
          sample_answer(),
          blank,
          std::vector<model::JobSummary>{summary, summary},
          std::vector<model::JobSummary>{},
          plan,
          status,
          model::Done{},
          std::vector<model::ListedKernel>{},
          std::vector<model::ListedKernel>{
              {sample_kernel(), "libwords.so", sample_hash(), true}, {}}};
}

std::vector<WorkerMessage> sample_worker_messages() {
  model::FilePieces files;
  files.format = model::FileFormat::Csv;
  files.csv = {'\t', true};
  files.kept_array = 77;
  files.pieces = {{2, "a.csv", 1, 128, 1000, 2000, {0, 5}, 7, {}}, {}};
  const std::vector<AssignedTask> tasks{
      {sample_task(model::RangePiece{-5, 3, 10, 20}), 0, 0},
      {sample_task(model::ValuesPiece{bytes_of(32), 1, 3}), 0, 0},
      {sample_task(files), 1, 2},
      {sample_kernel_task(std::move(files)), 3, 5},
      {sample_kernel_task(model::DescribePiece{}), 8, 5},
      {sample_kernel_task(model::MergePiece{2, ~std::uint64_t{0}, {0, 7, 255}}), 13, 5},
      {sample_pair_task(), 18, 2}};
  const std::vector<model::ChunkOutcome> outcomes{
      {{5, 1, 2, 3}, sample_partial(), {}},
      {{6, 0, 0, 1}, sample_error(), {70, 50, 20, std::nullopt, 4096, 9}},
      {{5, 1, 2, 3}, sample_kernel_partial(), {}}};
  return {WorkerReady{1, "build", 99}, tasks, outcomes, std::vector<AssignedTask>{},
          ForgetArrays{{1, ~std::uint64_t{0}}}};
}

Bytes request_body(const model::Request& request) {
  Bytes frame;
  TALLY_CHECK(append_request(frame, 1, 0, request));
  return body_only(std::move(frame));
}

Bytes reply_body(const model::Reply& reply) {
  Bytes frame;
  append_reply(frame, 1, reply);
  return body_only(std::move(frame));
}

Bytes worker_body(const WorkerMessage& message) {
  Bytes frame;
  TALLY_CHECK(append_worker_message(frame, 0, message));
  return body_only(std::move(frame));
}

}  // namespace tally::ipc

#include "ipc/codec/control_codec.h"

#include <string>
#include <utility>

#include "ipc/codec/common_codec.h"
#include "ipc/codec/job_codec.h"
#include "ipc/codec/kernel_codec.h"
#include "ipc/codec/status_codec.h"
#include "ipc/schema/control.capnp.h"

namespace tally::ipc {
namespace {

void write_hello(schema::Hello::Builder to, const model::Hello& hello) {
  to.setProtocol(hello.protocol);
  to.setFeatures(hello.features);
  to.setVersion(to_text(hello.version));
  to.setPid(hello.pid);
  to.setGraceMs(hello.grace_ms);
  to.setTag(hello.tag);
}

model::Hello read_hello(schema::Hello::Reader from) {
  return {from.getProtocol(), from.getFeatures(), from_text(from.getVersion()),
          from.getPid(),      from.getGraceMs(),  from.getTag()};
}

void write_ref(schema::JobRef::Builder to, const model::JobRef& ref) {
  if (const auto* id = std::get_if<model::JobId>(&ref))
    write_job_id(to.initId(), *id);
  else if (const auto* client = std::get_if<model::ClientId>(&ref))
    to.setClientId(to_text(client->text));
  else if (const auto* pattern = std::get_if<model::JobIdPattern>(&ref)) {
    auto out = to.initPrefix();
    out.setTagPrefix(pattern->tag_prefix);
    out.setTagDigits(static_cast<std::uint8_t>(pattern->tag_digits));
    out.setNumber(pattern->number);
  } else
    to.setSequence(std::get<model::SubmitSequence>(ref).sequence);
}

Result<model::JobRef> read_prefix(schema::JobIdPrefix::Reader from) {
  const unsigned digits = from.getTagDigits();
  if (digits < 1 || digits > 16)
    return Error(Errc::InvalidArgument, "bad_job_id",
                 "a shortened job id has 1 to 16 digits of the tag, not " +
                     std::to_string(digits));
  return model::JobRef(
      model::JobIdPattern{from.getTagPrefix(), digits, from.getNumber()});
}

Result<model::JobRef> read_ref(schema::JobRef::Reader from) {
  switch (from.which()) {
    case schema::JobRef::ID: return model::JobRef(read_job_id(from.getId()));
    case schema::JobRef::CLIENT_ID:
      return model::JobRef(model::ClientId{from_text(from.getClientId())});
    case schema::JobRef::SEQUENCE:
      return model::JobRef(model::SubmitSequence{from.getSequence()});
    case schema::JobRef::PREFIX: return read_prefix(from.getPrefix());
  }
  return Error(Errc::InvalidArgument, "bad_job_id",
               "this daemon does not know that way to name a job");
}

// T is Wait, Status or Cancel.
template <typename T>
Result<model::Request> about_job(schema::JobRef::Reader from) {
  Result<model::JobRef> ref = read_ref(from);
  if (!ref) return std::move(ref).error();
  return model::Request(T{*std::move(ref)});
}

struct RequestWriter {
  schema::Request::Builder to;

  void operator()(const model::Hello& hello) { write_hello(to.initHello(), hello); }
  void operator()(const model::Submit& submit) {
    auto out = to.initSubmit();
    write_spec(out.initSpec(), submit.spec);
    out.setReplyWhen(static_cast<std::uint8_t>(submit.reply_when));
    out.setWantProgress(submit.want_progress);
  }
  void operator()(const model::Wait& wait) { write_ref(to.initWait(), wait.job); }
  void operator()(const model::Status& status) {
    write_ref(to.initStatus(), status.job);
  }
  void operator()(const model::List&) { to.setList(); }
  void operator()(const model::Cancel& cancel) {
    write_ref(to.initCancel(), cancel.job);
  }
  void operator()(const model::Explain& explain) {
    write_spec(to.initExplain(), explain.spec);
  }
  void operator()(const model::GetServerStatus&) { to.setServerStatus(); }
  void operator()(const model::Drain&) { to.setDrain(); }
  void operator()(const model::Ping&) { to.setPing(); }
  void operator()(const model::Leave&) { to.setLeave(); }
  void operator()(const model::ListKernels& list) {
    write_kernel_files(to.initKernels(static_cast<unsigned>(list.files.size())),
                       list.files);
  }
  void operator()(const model::SendFiles& files) {
    auto out = to.initFiles();
    out.setFirst(files.first);
    if (files.error) write_error(out.initError(), *files.error);
  }
};

Result<model::Request> read_submit(schema::Submit::Reader from) {
  Result<model::JobSpec> spec = read_spec(from.getSpec());
  if (!spec) return std::move(spec).error();
  const auto when = read_enum(from.getReplyWhen(), model::ReplyWhen::Finished,
                              model::ReplyWhen::Accepted, "a reply time");
  if (!when) return when.error();
  return model::Request(model::Submit{*std::move(spec), *when, from.getWantProgress()});
}

model::Request read_files(schema::Files::Reader from) {
  model::SendFiles files{from.getFirst(), {}};
  if (from.hasError()) files.error = read_error(from.getError());
  return files;
}

Result<model::Request> request_of(schema::Request::Reader from) {
  switch (from.which()) {
    case schema::Request::HELLO: return model::Request(read_hello(from.getHello()));
    case schema::Request::SUBMIT: return read_submit(from.getSubmit());
    case schema::Request::WAIT: return about_job<model::Wait>(from.getWait());
    case schema::Request::STATUS: return about_job<model::Status>(from.getStatus());
    case schema::Request::LIST: return model::Request(model::List{});
    case schema::Request::CANCEL: return about_job<model::Cancel>(from.getCancel());
    case schema::Request::EXPLAIN: {
      Result<model::JobSpec> spec = read_spec(from.getExplain());
      if (!spec) return std::move(spec).error();
      return model::Request(model::Explain{*std::move(spec)});
    }
    case schema::Request::SERVER_STATUS:
      return model::Request(model::GetServerStatus{});
    case schema::Request::DRAIN: return model::Request(model::Drain{});
    case schema::Request::PING: return model::Request(model::Ping{});
    case schema::Request::KERNELS: {
      Result<std::vector<model::KernelFile>> files =
          read_kernel_files(from.getKernels());
      if (!files) return std::move(files).error();
      return model::Request(model::ListKernels{*std::move(files)});
    }
    case schema::Request::LEAVE: return model::Request(model::Leave{});
    case schema::Request::FILES: return read_files(from.getFiles());
  }
  return Error(
      Errc::InvalidArgument, "unknown_request",
      "this daemon does not know that request; it may be older than the client");
}

struct ReplyWriter {
  schema::Reply::Builder to;

  void operator()(const Error& error) { write_error(to.initError(), error); }
  void operator()(const model::Hello& hello) { write_hello(to.initHello(), hello); }
  void operator()(const model::Accepted& accepted) {
    write_job_id(to.initAccepted(), accepted.id);
  }
  void operator()(const model::JobAnswer& answer) {
    write_answer(to.initAnswer(), answer);
  }
  void operator()(const std::vector<model::JobSummary>& jobs) {
    auto list = to.initJobs(static_cast<unsigned>(jobs.size()));
    for (unsigned i = 0; i < list.size(); ++i) write_job_summary(list[i], jobs[i]);
  }
  void operator()(const model::JobPlan& plan) { write_plan(to.initPlan(), plan); }
  void operator()(const model::ServerStatus& status) {
    write_server_status(to.initServerStatus(), status);
  }
  void operator()(const model::Done&) { to.setDone(); }
  void operator()(const std::vector<model::ListedKernel>& kernels) {
    auto list = to.initKernels(static_cast<unsigned>(kernels.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      write_kernel_info(list[i].initInfo(), kernels[i].info);
      list[i].setFile(to_text(kernels[i].file));
      write_hash(list[i].initSha256(sizeof(model::ImageHash)), kernels[i].hash);
      list[i].setInProcess(kernels[i].in_process);
    }
  }
};

template <typename T>
Result<model::Reply> as_reply(Result<T> value) {
  if (!value) return std::move(value).error();
  return model::Reply(*std::move(value));
}

Result<model::Reply> read_jobs(schema::Reply::Reader from) {
  std::vector<model::JobSummary> jobs;
  for (const auto job : from.getJobs()) {
    Result<model::JobSummary> summary = read_job_summary(job);
    if (!summary) return std::move(summary).error();
    jobs.push_back(*std::move(summary));
  }
  return model::Reply(std::move(jobs));
}

Result<model::Reply> read_listed_kernels(schema::Reply::Reader from) {
  std::vector<model::ListedKernel> kernels;
  for (const auto kernel : from.getKernels()) {
    const Result<model::ImageHash> hash = read_hash(kernel.getSha256());
    if (!hash) return hash.error();
    kernels.push_back({read_kernel_info(kernel.getInfo()), from_text(kernel.getFile()),
                       *hash, kernel.getInProcess()});
  }
  return model::Reply(std::move(kernels));
}

Result<model::Reply> reply_of(schema::Reply::Reader from) {
  switch (from.which()) {
    case schema::Reply::ERROR: return model::Reply(read_error(from.getError()));
    case schema::Reply::HELLO: return model::Reply(read_hello(from.getHello()));
    case schema::Reply::ACCEPTED:
      return model::Reply(model::Accepted{read_job_id(from.getAccepted())});
    case schema::Reply::ANSWER: return as_reply(read_answer(from.getAnswer()));
    case schema::Reply::JOBS: return read_jobs(from);
    case schema::Reply::PLAN: return as_reply(read_plan(from.getPlan()));
    case schema::Reply::SERVER_STATUS:
      return as_reply(read_server_status(from.getServerStatus()));
    case schema::Reply::DONE: return model::Reply(model::Done{});
    case schema::Reply::KERNELS: return read_listed_kernels(from);
  }
  return Error(Errc::ProtocolViolation, "unknown_reply",
               "the daemon sent a reply of an unknown kind");
}

// A reply that is too large becomes an Error reply that says so.
void append_reply_frame(Bytes& out, std::uint32_t sequence,
                        capnp::MallocMessageBuilder& message) {
  const FrameHeader header{FrameKind::Reply, 0, 0, sequence};
  const Result<void> fits = append_frame(out, header, message, kMaxReplyBytes);
  if (fits) return;
  MessageScratch refusal;
  write_error(refusal.builder().initRoot<schema::Reply>().initError(), fits.error());
  TALLY_CHECK(append_frame(out, header, refusal.builder(), kMaxReplyBytes));
}

}  // namespace

Result<void> append_request(Bytes& out, std::uint32_t sequence, std::uint16_t fd_count,
                            const model::Request& request) {
  MessageScratch scratch;
  std::visit(RequestWriter{scratch.builder().initRoot<schema::Request>()}, request);
  return append_frame(out, {FrameKind::Request, fd_count, 0, sequence},
                      scratch.builder(), kMaxRequestBytes);
}

Result<model::Request> read_request(std::span<const std::byte> body) {
  return read_message<schema::Request>(body, request_of);
}

void append_reply(Bytes& out, std::uint32_t sequence, const model::Reply& reply) {
  MessageScratch scratch;
  std::visit(ReplyWriter{scratch.builder().initRoot<schema::Reply>()}, reply);
  append_reply_frame(out, sequence, scratch.builder());
}

void append_answer(Bytes& out, std::uint32_t sequence, const model::JobAnswer& answer,
                   Nanoseconds elapsed_ns, Nanoseconds reply_started_ns) {
  MessageScratch scratch;
  auto to = scratch.builder().initRoot<schema::Reply>().initAnswer();
  write_answer(to, answer);
  const model::JobTimes& time = answer.time;
  const Nanoseconds reply = monotonic_ns() - reply_started_ns;
  const Nanoseconds phases = time.queue_ns + time.plan_ns + time.run_ns + time.merge_ns;
  to.getTime().setReplyNs(reply);
  to.getTime().setTotalNs(elapsed_ns + reply);
  to.getTime().setOtherNs(elapsed_ns > phases ? elapsed_ns - phases : 0);
  append_reply_frame(out, sequence, scratch.builder());
}

Result<model::Reply> read_reply(std::span<const std::byte> body) {
  return read_message<schema::Reply>(body, reply_of);
}

namespace {

struct EventWriter {
  schema::Event::Builder event;

  void operator()(const model::JobProgress& progress) {
    auto to = event.initProgress();
    write_job_id(to.initId(), progress.id);
    to.setDone(progress.done);
    to.setTotal(progress.total);
    to.setInBytes(progress.in_bytes);
  }
  void operator()(const model::NeedFiles& need) {
    auto to = event.initNeedFiles();
    to.setFirst(need.first);
    to.setCount(need.count);
  }
};

Result<model::Event> event_of(schema::Event::Reader from) {
  if (from.isProgress()) {
    const auto progress = from.getProgress();
    return model::Event(model::JobProgress{read_job_id(progress.getId()),
                                           progress.getDone(), progress.getTotal(),
                                           progress.getInBytes()});
  }
  if (from.isNeedFiles())
    return model::Event(model::NeedFiles{from.getNeedFiles().getFirst(),
                                         from.getNeedFiles().getCount()});
  return Error(Errc::ProtocolViolation, "unknown_event",
               "the daemon sent an event of an unknown kind");
}

}  // namespace

void append_event(Bytes& out, std::uint32_t sequence, const model::Event& event) {
  MessageScratch scratch;
  std::visit(EventWriter{scratch.builder().initRoot<schema::Event>()}, event);
  TALLY_CHECK(append_frame(out, {FrameKind::Event, 0, 0, sequence}, scratch.builder(),
                           kMaxReplyBytes));
}

Result<model::Event> read_event(std::span<const std::byte> body) {
  return read_message<schema::Event>(body, event_of);
}

}  // namespace tally::ipc

#include "client/check/check.h"

#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <new>
#include <optional>

#include "client/check/child.h"
#include "client/check/laws.h"
#include "ipc/base/printable.h"
#include "runtime/kernel/call_names.h"

namespace tally::check {
namespace {

using Sets = std::vector<std::vector<RowSet>>;  // for each type, the usual one first

// What a child answers: a letter for the mark, then the detail.
constexpr char kKept = 'k';
constexpr char kBroken = 'b';
constexpr char kRefused = 'r';  // the rows, not the law

// The words that a child and we share: what a death is told with.
class SharedPage {
 public:
  static Result<SharedPage> make() {
    void* map = ::mmap(nullptr, sizeof(exec::ChunkPage), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return Error::from_errno("mmap");
    SharedPage made;
    made.page_.reset(new (map) exec::ChunkPage);
    return made;
  }
  exec::ChunkPage& get() const { return *page_; }

  // In the child: one that the kernel forks in turn, and that comes back from the
  // kernel's function, ends where the page is written; else each law would be tried by
  // more and more of them.
  static void keep_from_children(exec::ChunkPage& page) {
    ::madvise(&page, sizeof page, MADV_DONTFORK);
  }

 private:
  struct Unmap {
    void operator()(exec::ChunkPage* page) const {
      ::munmap(page, sizeof(exec::ChunkPage));
    }
  };
  std::unique_ptr<exec::ChunkPage, Unmap> page_;
};

std::string where(const exec::ChunkPage& page) {
  const exec::KernelCall call = page.call.load();
  if (call == exec::KernelCall::None) return "outside of its functions";
  std::string text = "in " + std::string(kernels::name_of(call));
  const std::uint64_t rows = page.rows.load();
  if (call == exec::KernelCall::Update && rows != 0)
    text += ", with rows " + std::to_string(page.first_row.load()) + " to " +
            std::to_string(page.first_row.load() + rows - 1);
  return text;
}

// One law of one kernel, tried in a child.
class Trial {
 public:
  Trial(int descriptor, const std::string& name, const Options& options,
        exec::ChunkPage& page)
      : descriptor_(descriptor), name_(name), options_(options), page_(page) {}

  Result<LawRow> loads(std::vector<model::KernelInfo>& infos) const;
  Result<LawRow> law(const Law& law, const model::KernelInfo& kernel,
                     const Sets& sets) const;

 private:
  std::string try_law(const Law& law, const model::KernelInfo& kernel,
                      const Sets& sets) const;
  std::string try_set(const Law& law, Subject& subject, const RowSet& rows) const;
  LawRow told(const Law& law, const ChildEnd& end) const;
  std::string died(const ChildEnd& end) const;

  const int descriptor_;
  const std::string& name_;
  const Options& options_;
  exec::ChunkPage& page_;
};

std::string Trial::died(const ChildEnd& end) const {
  std::string text;
  if (end.how == ChildEnd::How::TimedOut)
    text = "it did not come back within " + std::to_string(options_.limit.count()) +
           " ms, ";
  else if (end.signal != 0)
    text = std::string("it was killed by SIG") + ::sigabbrev_np(end.signal) + " ";
  else
    text = "it ended the process (exit code " + std::to_string(end.exit_code) + ") ";
  text += where(page_);
  if (!end.printed.empty()) text += "; it printed: " + printable(end.printed, 100);
  return text;
}

// Loading runs code of the kernel's: a first time in a child, to see whether it may be.
Result<LawRow> Trial::loads(std::vector<model::KernelInfo>& infos) const {
  page_.call.store(exec::KernelCall::Load);
  const Result<ChildEnd> end = run_in_child(
      [&]() -> std::string {
        SharedPage::keep_from_children(page_);
        const auto library = kernels::KernelLibrary::load(descriptor_, name_);
        return library ? std::string(1, kKept) : kBroken + library.error().message();
      },
      options_.limit);
  if (!end) return end.error();
  LawRow row{"loads", Mark::Broken, ""};
  if (end->how != ChildEnd::How::Answered || end->answer.empty()) {
    row.detail = died(*end);
  } else if (end->answer[0] != kKept) {
    row.detail = end->answer.substr(1);
  } else {
    const auto library = kernels::KernelLibrary::load(descriptor_, name_);
    if (!library) return library.error();
    infos = (*library)->describe();
    row.mark = Mark::Kept;
    row.detail =
        infos.size() == 1 ? "a kernel" : std::to_string(infos.size()) + " kernels";
  }
  page_.call.store(exec::KernelCall::None);
  return row;
}

std::string Trial::try_set(const Law& law, Subject& subject, const RowSet& rows) const {
  const Result<Verdict> verdict = law.test(subject, rows);
  if (verdict) return (verdict->held ? kKept : kBroken) + verdict->detail;
  const Error& error = verdict.error();
  const bool overran = error.code() == "kernel_overran_state";
  // Each has its own row of the table.
  if (law.name == "runs" && overran) return std::string(1, kKept);
  if (law.name == "state" && !overran) return std::string(1, kKept);
  const auto* call = error.field("call");
  if (error.code() == "kernel_failed" && call != nullptr &&
      std::get<std::string>(*call) == "update")
    return kRefused + error.message();
  return kBroken + error.message();
}

std::string Trial::try_law(const Law& law, const model::KernelInfo& kernel,
                           const Sets& sets) const {
  // A child that a kernel forks is not to answer as well: it ends where it comes back.
  ::madvise(&page_, sizeof page_, MADV_DONTFORK);
  const auto library = kernels::KernelLibrary::load(descriptor_, name_);
  if (!library) return kBroken + library.error().message();
  auto subject = Subject::open(*library, kernel.name, options_.arguments, page_);
  if (!subject) return kBroken + subject.error().message();
  if (law.needs_bytes && (*subject)->plain()) return kKept + std::string("plain bytes");
  std::string answer(1, kRefused);
  for (const std::vector<RowSet>& of_type : sets) {
    for (const RowSet& rows : of_type) {
      std::string one = try_set(law, **subject, rows);
      if (one[0] == kBroken) return kBroken + rows.title + ": " + one.substr(1);
      if (answer[0] == kRefused || one[0] == kKept) answer = one;
      if (one[0] == kKept) break;
    }
    if (law.name == "time" && answer[0] == kKept) break;
  }
  return answer;
}

LawRow Trial::told(const Law& law, const ChildEnd& end) const {
  LawRow row{std::string(law.name), Mark::Broken, ""};
  if (end.how != ChildEnd::How::Answered || end.answer.empty()) {
    row.detail = died(end);
    return row;
  }
  row.detail = end.answer.substr(1);
  if (end.answer[0] == kKept) row.mark = Mark::Kept;
  if (end.answer[0] == kRefused) {
    row.mark = Mark::NotTried;
    row.detail = "it takes none of the rows tried (" + row.detail + "); give DATA";
  }
  return row;
}

Result<LawRow> Trial::law(const Law& law, const model::KernelInfo& kernel,
                          const Sets& sets) const {
  page_.call.store(exec::KernelCall::None);
  const auto body = [&] {
    SharedPage::keep_from_children(page_);
    return try_law(law, kernel, sets);
  };
  const Result<ChildEnd> end = run_in_child(body, options_.limit);
  if (!end) return end.error();
  LawRow row = told(law, *end);
  if (law.name == "deterministic" && row.mark == Mark::Kept) {
    const Result<ChildEnd> again = run_in_child(body, options_.limit);
    if (!again) return again.error();
    const LawRow other = told(law, *again);
    if (other.mark == Mark::Kept && other.detail != row.detail)
      return LawRow{row.law, Mark::Broken,
                    "another process gave a state of other bytes"};
    row.detail.clear();
  }
  if (law.name == "silent" && row.mark == Mark::Kept) {
    row.detail.clear();
    const std::size_t lines = kRows / 10;
    if (end->printed_bytes >= lines)
      return LawRow{row.law, Mark::Broken,
                    "it printed " + std::to_string(end->printed_bytes) +
                        " bytes: " + printable(end->printed, 60)};
  }
  if (law.name == "state") row.detail = row.mark == Mark::Kept ? "" : row.detail;
  return row;
}

}  // namespace

bool Checked::passed() const {
  if (loads.mark != Mark::Kept) return false;
  for (const CheckedKernel& kernel : kernels)
    for (const LawRow& row : kernel.laws)
      if (row.mark == Mark::Broken || (row.law == "runs" && row.mark != Mark::Kept))
        return false;
  return true;
}

Result<Checked> check_file(int descriptor, const std::string& name,
                           const Options& options) {
  const Result<SharedPage> page = SharedPage::make();
  if (!page) return page.error();
  const Trial trial(descriptor, name, options, page->get());
  Checked checked;
  std::vector<model::KernelInfo> infos;
  Result<LawRow> loads = trial.loads(infos);
  if (!loads) return std::move(loads).error();
  checked.loads = *std::move(loads);
  for (const model::KernelInfo& info : infos) {
    CheckedKernel& kernel = checked.kernels.emplace_back();
    kernel.info = info;
    Sets sets;
    if (options.data) {
      Result<RowSet> rows = options.data(info);
      if (!rows) return std::move(rows).error();
      sets.push_back({*std::move(rows)});
    } else {
      sets = generate(info, kRows);
    }
    bool sound = true;
    for (std::size_t i = 0; i < all_laws().size(); ++i) {
      const Law& law = all_laws()[i];
      if (law.exact_only && !info.exact) continue;
      if (!sound) {
        kernel.laws.push_back({std::string(law.name), Mark::NotTried, ""});
        continue;
      }
      Result<LawRow> row = trial.law(law, info, sets);
      if (!row) return std::move(row).error();
      sound = sound && (i >= kBasicLaws || row->mark == Mark::Kept);
      kernel.laws.push_back(*std::move(row));
    }
  }
  return checked;
}

}  // namespace tally::check

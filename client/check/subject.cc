#include "client/check/subject.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "ipc/base/printable.h"
#include "ipc/sync/kernel_sync.h"
#include "ipc/sync/region.h"

namespace tally::check {
namespace {

constexpr double kApart = std::numeric_limits<double>::infinity();

std::string text_of_number(double value, int digits) {
  char text[40];
  const int bytes = std::snprintf(text, sizeof text, "%.*g", digits, value);
  return std::string(text, static_cast<std::size_t>(bytes));
}

struct TextOf {
  std::string operator()(Int128 value) const { return to_string(value); }
  std::string operator()(double value) const { return text_of_number(value, 17); }
  std::string operator()(float value) const {
    return text_of_number(static_cast<double>(value), 9);
  }
  std::string operator()(const std::string& value) const {
    return '"' + printable(value, 60) + '"';
  }
  std::string operator()(const Error& none) const {
    return "none (" + none.message() + ")";
  }
};

struct NumberOf {
  double operator()(Int128 value) const { return static_cast<double>(value); }
  double operator()(double value) const { return value; }
  double operator()(float value) const { return static_cast<double>(value); }
  double operator()(const std::string&) const { return 0; }
  double operator()(const Error&) const { return 0; }
};

double distance_of(const model::KernelOutput& a, const model::KernelOutput& b) {
  if (a.label != b.label || a.value.index() != b.value.index()) return kApart;
  if (const auto* text = std::get_if<std::string>(&a.value))
    return *text == std::get<std::string>(b.value) ? 0 : kApart;
  const double x = std::visit(NumberOf{}, a.value);
  const double y = std::visit(NumberOf{}, b.value);
  if (x == y || (std::isnan(x) && std::isnan(y))) return 0;
  const double apart = std::abs(x - y) / std::max(std::abs(x), std::abs(y));
  return std::isnan(apart) ? kApart : apart;
}

}  // namespace

struct Subject::Sync {
  std::unique_ptr<sync::Region> region;
  sync::KernelContext context;  // before the region
};

Subject::Subject() = default;
Subject::~Subject() = default;

Result<void> Subject::bring_sync() {
  const Result<UniqueFd> made = sync::Region::create({});
  if (!made) return made.error();
  Result<std::unique_ptr<sync::Region>> region = sync::Region::map(made->get());
  if (!region) return std::move(region).error();
  Result<sync::KernelContext> context = sync::attach_kernel(**region);
  if (!context) return std::move(context).error();
  sync_ = std::make_unique<Sync>(Sync{*std::move(region), *std::move(context)});
  hook_ = [this](const auto&, auto, tally_sync_context** to) {
    *to = sync_->context.get();
    return &sync::kernel_table();
  };
  return {};
}

Result<std::unique_ptr<Subject>> Subject::open(
    std::shared_ptr<const kernels::KernelLibrary> library, const std::string& kernel,
    std::vector<model::KernelArgument> arguments, exec::ChunkPage& page) {
  std::unique_ptr<Subject> subject(new Subject);
  const auto entry = library->find(kernel);
  if (entry.info == nullptr)
    return Error(Errc::NotFound, library->name() + " has no kernel " + kernel);
  subject->task_.key.job = 1;
  subject->task_.columns.resize(entry.info->columns);
  model::KernelTask& own = subject->task_.kernels.emplace_back();
  own.image_name = library->name();
  own.kernel = kernel;
  // Those that other kernels of the file have.
  std::erase_if(arguments, [&](const model::KernelArgument& argument) {
    return std::none_of(
        entry.info->parameters.begin(), entry.info->parameters.end(),
        [&](const auto& parameter) { return parameter.name == argument.name; });
  });
  own.arguments = std::move(arguments);
  for (std::uint32_t i = 0; i < entry.info->columns; ++i) own.columns.push_back(i);
  subject->library_ = library;
  if (entry.info->sync)
    if (Result<void> brought = subject->bring_sync(); !brought)
      return std::move(brought).error();
  auto opened = kernels::Kernel::open(std::move(library), subject->task_, 0, page,
                                      subject->hook_);
  if (!opened) return std::move(opened).error();
  subject->kernel_ = *std::move(opened);
  return subject;
}

bool Subject::plain() const {
  return library_->find(info().name).table->serialize == nullptr;
}

Result<void> Subject::update(KernelState& state, const RowSet& rows, std::size_t begin,
                             std::size_t end, std::size_t step) {
  while (begin < end) {
    const std::size_t stop = std::min(end, begin + step);
    const TriedBlock block(rows, begin, stop);
    Result<void> done = kernel_->update(state, block.block());
    if (watch) watch(block);
    if (!done) return done;
    begin = stop;
  }
  return {};
}

Result<KernelState> Subject::fold(const RowSet& rows, std::size_t begin,
                                  std::size_t end, std::size_t step) {
  Result<KernelState> state = empty();
  if (!state) return state;
  if (Result<void> done = update(*state, rows, begin, end, step); !done)
    return std::move(done).error();
  return state;
}

Result<KernelState> Subject::copy(const KernelState& state) {
  const Result<State> written = bytes(state);
  if (!written) return written.error();
  return kernel_->deserialise(*written);
}

Result<std::string> Subject::results(const KernelState& state) {
  const auto outputs = kernel_->finish(state);
  if (!outputs) return outputs.error();
  return text_of(*outputs);
}

std::string text_of(const std::vector<model::KernelOutput>& outputs) {
  std::string text;
  for (const model::KernelOutput& output : outputs) {
    if (!text.empty()) text += ", ";
    if (!output.label.empty()) text += output.label + " = ";
    text += std::visit(TextOf{}, output.value);
  }
  return text;
}

double distance(const std::vector<model::KernelOutput>& a,
                const std::vector<model::KernelOutput>& b) {
  if (a.size() != b.size()) return kApart;
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    most = std::max(most, distance_of(a[i], b[i]));
  return most;
}

}  // namespace tally::check

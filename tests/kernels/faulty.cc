// Kernels that go wrong, each in its own way, when they meet the element 13.
#include <xmmintrin.h>

#include <cfenv>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <tally/tally_kernel.h>

namespace {

struct State {
  double sum;
};

bool meets_13(const tally_kernel_block* block) {
  const auto* values = static_cast<const double*>(block->values[0]);
  for (std::size_t i = 0; i < block->count; ++i)
    if (values[i] == 13) return true;
  return false;
}

int add(tally_kernel_run*, void* state, const tally_kernel_block* block) {
  const auto* values = static_cast<const double*>(block->values[0]);
  for (std::size_t i = 0; i < block->count; ++i)
    static_cast<State*>(state)->sum += values[i];
  return 0;
}
int merge(tally_kernel_run*, void* into, const void* from) {
  static_cast<State*>(into)->sum += static_cast<const State*>(from)->sum;
  return 0;
}
int finish(tally_kernel_run* run, const void* state) {
  return tally_kernel_emit_f64(run, "", static_cast<const State*>(state)->sum);
}

// update calls Fault on meeting 13.
template <int (*Fault)(tally_kernel_run*, void*, const tally_kernel_block*)>
int update(tally_kernel_run* run, void* state, const tally_kernel_block* block) {
  return meets_13(block) ? Fault(run, state, block) : add(run, state, block);
}

// ---- in update ---------------------------------------------------------------

int throws(tally_kernel_run*, void*, const tally_kernel_block*) {
  throw std::runtime_error("thirteen");
}
int throws_int(tally_kernel_run*, void*, const tally_kernel_block*) {
  throw 13;
}
int no_memory(tally_kernel_run*, void*, const tally_kernel_block*) {
  throw std::bad_alloc();
}
int fails(tally_kernel_run* run, void*, const tally_kernel_block*) {
  return tally_kernel_fail(run, "thirteen is\nnot wanted");
}
int fails_silently(tally_kernel_run*, void*, const tally_kernel_block*) {
  return 7;
}
int fails_and_denies(tally_kernel_run* run, void*, const tally_kernel_block*) {
  tally_kernel_fail(run, "thirteen");
  return 0;
}
int overruns(tally_kernel_run*, void* state, const tally_kernel_block*) {
  static_cast<volatile char*>(state)[sizeof(State)] = 1;
  return 0;
}
int underruns(tally_kernel_run*, void* state, const tally_kernel_block*) {
  static_cast<volatile char*>(state)[-1] = 1;
  return 0;
}
int emits_early(tally_kernel_run* run, void*, const tally_kernel_block*) {
  tally_kernel_emit_int(run, "", 1);
  return 0;
}
int writes_early(tally_kernel_run* run, void*, const tally_kernel_block*) {
  return tally_kernel_write(run, "x", 1);
}
int writes_input(tally_kernel_run*, void*, const tally_kernel_block* block) {
  *static_cast<volatile double*>(const_cast<void*>(block->values[0])) = 0;
  return 0;
}
int crashes(tally_kernel_run*, void*, const tally_kernel_block*) {
  *static_cast<volatile int*>(nullptr) = 1;
  return 0;
}
int aborts(tally_kernel_run*, void*, const tally_kernel_block*) {
  std::abort();
}
int loops(tally_kernel_run*, void*, const tally_kernel_block*) {
  for (volatile int i = 0;;) i = 1 - i;
}
int leaks(tally_kernel_run*, void*, const tally_kernel_block*) {
  std::vector<char*> all;
  for (;;) {
    all.push_back(new char[1U << 20U]);
    std::memset(all.back(), 1, 1U << 20U);
  }
}
int leaves_rounding(tally_kernel_run* run, void* state,
                    const tally_kernel_block* block) {
  std::fesetround(FE_UPWARD);
#ifdef __SSE__
  _mm_setcsr(_mm_getcsr() | 0x8040U);  // FTZ and DAZ
#endif
  return add(run, state, block);
}

// ---- elsewhere ----------------------------------------------------------------

int init_fails(tally_kernel_run* run, void*) {
  return tally_kernel_fail(run, "no state today");
}
int init_throws(tally_kernel_run*, void*) {
  throw std::runtime_error("no state today");
}
int merge_changes_source_guard(tally_kernel_run*, void*, const void* from) {
  static_cast<volatile char*>(const_cast<void*>(from))[sizeof(State)] = 1;
  return 0;
}
int finish_silent(tally_kernel_run*, const void*) {
  return 0;
}
int finish_two_unnamed(tally_kernel_run* run, const void*) {
  tally_kernel_emit_int(run, "", 1);
  return tally_kernel_emit_int(run, "", 2);
}
int finish_same_label(tally_kernel_run* run, const void*) {
  tally_kernel_emit_int(run, "a", 1);
  return tally_kernel_emit_int(run, "a", 2);
}
int finish_bad_label(tally_kernel_run* run, const void*) {
  return tally_kernel_emit_int(run, "a b", 1);
}
int finish_bad_text(tally_kernel_run* run, const void*) {
  return tally_kernel_emit_text(run, "", "\xFF\xFE");
}
int finish_long_text(tally_kernel_run* run, const void*) {
  return tally_kernel_emit_text(run, "", std::string(64 * 1024 + 1, 'a').c_str());
}
int finish_many(tally_kernel_run* run, const void*) {
  for (int i = 0; i < 65; ++i) {
    const std::string label = "r" + std::to_string(i);
    if (const int failed = tally_kernel_emit_int(run, label.c_str(), i)) return failed;
  }
  return 0;
}
int finish_all_kinds(tally_kernel_run* run, const void*) {
  tally_kernel_emit_int(run, "small", -3);
  tally_kernel_emit_int128(run, "large", 1, 0);
  tally_kernel_emit_f64(run, "f64", 0.1);
  tally_kernel_emit_f32(run, "f32", 0.1F);
  tally_kernel_emit_text(run, "text", "caf\xC3\xA9");
  return tally_kernel_emit_none(run, "none", "there is none");
}
int serialize_endless(tally_kernel_run* run, const void*) {
  static const char megabyte[1U << 20U] = {};
  for (;;)
    if (const int failed = tally_kernel_write(run, megabyte, sizeof megabyte))
      return failed;
}
int serialize_sum(tally_kernel_run* run, const void* state) {
  return tally_kernel_write(run, state, sizeof(State));
}
int deserialize_refuses(tally_kernel_run* run, void*, const void*, std::size_t) {
  return tally_kernel_fail(run, "that is no state of mine");
}
int finish_parameters(tally_kernel_run* run, const void*) {
  const char* other = tally_kernel_parameter_text(run, "nobody");
  const std::string text = std::string(tally_kernel_parameter_text(run, "base")) + " " +
                           tally_kernel_parameter_text(run, "needed") + " " +
                           (other == nullptr ? "NULL" : other);
  return tally_kernel_emit_text(run, "", text.c_str());
}
int finish_cancelled(tally_kernel_run* run, const void*) {
  return tally_kernel_emit_int(run, "", tally_kernel_cancelled(run));
}

constexpr tally_kernel sound(const char* name) {
  return {TALLY_KERNEL_ABI,
          sizeof(tally_kernel),
          name,
          "",
          1U << TALLY_KERNEL_TYPE_F64,
          1,
          0,
          nullptr,
          0,
          sizeof(State),
          nullptr,
          add,
          merge,
          finish,
          nullptr,
          nullptr,
          nullptr};
}
template <int (*Fault)(tally_kernel_run*, void*, const tally_kernel_block*)>
constexpr tally_kernel with_update(const char* name) {
  tally_kernel kernel = sound(name);
  kernel.update = update<Fault>;
  return kernel;
}
constexpr tally_kernel with_init(const char* name,
                                 int (*init)(tally_kernel_run*, void*)) {
  tally_kernel kernel = sound(name);
  kernel.init = init;
  return kernel;
}
constexpr tally_kernel with_finish(const char* name,
                                   int (*other)(tally_kernel_run*, const void*)) {
  tally_kernel kernel = sound(name);
  kernel.finish = other;
  return kernel;
}
constexpr tally_kernel with_merge(const char* name) {
  tally_kernel kernel = sound(name);
  kernel.merge = merge_changes_source_guard;
  return kernel;
}
constexpr tally_kernel with_serialize(const char* name,
                                      int (*other)(tally_kernel_run*, const void*)) {
  tally_kernel kernel = sound(name);
  kernel.serialize = other;
  kernel.deserialize = deserialize_refuses;
  return kernel;
}

constexpr tally_kernel_parameter kParameters[] = {{"base", "has a default", "2"},
                                                  {"needed", "has none", nullptr}};
constexpr tally_kernel with_parameters(const char* name) {
  tally_kernel kernel = with_finish(name, finish_parameters);
  kernel.parameters = kParameters;
  kernel.parameter_count = 2;
  return kernel;
}

constexpr tally_kernel kAll[] = {
    sound("sound"),
    with_update<throws>("throws"),
    with_update<throws_int>("throws_int"),
    with_update<no_memory>("no_memory"),
    with_update<fails>("fails"),
    with_update<fails_silently>("fails_silently"),
    with_update<fails_and_denies>("fails_and_denies"),
    with_update<overruns>("overruns"),
    with_update<underruns>("underruns"),
    with_update<emits_early>("emits_early"),
    with_update<writes_early>("writes_early"),
    with_update<writes_input>("writes_input"),
    with_update<crashes>("crashes"),
    with_update<aborts>("aborts"),
    with_update<loops>("loops"),
    with_update<leaks>("leaks"),
    with_update<leaves_rounding>("leaves_rounding"),
    with_init("init_fails", init_fails),
    with_init("init_throws", init_throws),
    with_merge("merge_overruns_source"),
    with_finish("finish_silent", finish_silent),
    with_finish("finish_two_unnamed", finish_two_unnamed),
    with_finish("finish_same_label", finish_same_label),
    with_finish("finish_bad_label", finish_bad_label),
    with_finish("finish_bad_text", finish_bad_text),
    with_finish("finish_long_text", finish_long_text),
    with_finish("finish_many", finish_many),
    with_finish("finish_all_kinds", finish_all_kinds),
    with_finish("finish_cancelled", finish_cancelled),
    with_serialize("serialize_endless", serialize_endless),
    with_serialize("deserialize_refuses", serialize_sum),
    with_parameters("parameters"),
};

}  // namespace

const tally_kernel* const* tally_kernels(void) {
  constexpr std::size_t kCount = sizeof kAll / sizeof kAll[0];
  static const tally_kernel* kernels[kCount + 1] = {};
  for (std::size_t i = 0; i < kCount; ++i) kernels[i] = &kAll[i];
  return kernels;
}

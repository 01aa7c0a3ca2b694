/* Two sums in plain C: `plainsum` adds up in several accumulators, as fast as memory
   comes; `csum` carries the lost bits along (Neumaier) and so is right far longer.
   Neither merge is associative: the fixed tree is what makes the bits the same. */
#include <math.h>
#include <tally/tally_kernel.h>

enum { kLanes = 16 }; /* enough for the widest vectors, several of them in flight */

struct plain {
  double lanes[kLanes];
};

static int plain_update(tally_kernel_run* run, void* state,
                        const tally_kernel_block* block) {
  (void)run;
  double lanes[kLanes] = {0};
  const double* x = block->values[0];
  size_t i = 0;
  for (; i + kLanes <= block->count; i += kLanes)
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += x[i + (size_t)lane];
  for (int lane = 0; i < block->count; ++i, ++lane) lanes[lane] += x[i];
  struct plain* sum = state;
  for (int lane = 0; lane < kLanes; ++lane) sum->lanes[lane] += lanes[lane];
  return 0;
}

static int plain_merge(tally_kernel_run* run, void* into, const void* from) {
  (void)run;
  struct plain* sum = into;
  const struct plain* other = from;
  for (int lane = 0; lane < kLanes; ++lane) sum->lanes[lane] += other->lanes[lane];
  return 0;
}

static int plain_finish(tally_kernel_run* run, const void* state) {
  const struct plain* sum = state;
  double total = 0;
  for (int lane = 0; lane < kLanes; ++lane) total += sum->lanes[lane];
  return tally_kernel_emit_f64(run, "", total);
}

struct compensated {
  double sum;
  double lost;
};

static void add(struct compensated* into, double x) {
  const double sum = into->sum + x;
  into->lost +=
      fabs(into->sum) >= fabs(x) ? (into->sum - sum) + x : (x - sum) + into->sum;
  into->sum = sum;
}

static int csum_update(tally_kernel_run* run, void* state,
                       const tally_kernel_block* block) {
  (void)run;
  const double* x = block->values[0];
  for (size_t i = 0; i < block->count; ++i) add(state, x[i]);
  return 0;
}

static int csum_merge(tally_kernel_run* run, void* into, const void* from) {
  (void)run;
  const struct compensated* other = from;
  struct compensated* sum = into;
  add(sum, other->sum);
  sum->lost += other->lost;
  return 0;
}

static int csum_finish(tally_kernel_run* run, const void* state) {
  const struct compensated* sum = state;
  return tally_kernel_emit_f64(run, "", sum->sum + sum->lost);
}

static const tally_kernel kPlain = {
    .abi = TALLY_KERNEL_ABI,
    .struct_size = sizeof(tally_kernel),
    .name = "plainsum",
    .summary = "the sum, rounded at every addition",
    .types = TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_F64),
    .columns = 1,
    .state_size = sizeof(struct plain),
    .update = plain_update,
    .merge = plain_merge,
    .finish = plain_finish,
};

static const tally_kernel kCompensated = {
    .abi = TALLY_KERNEL_ABI,
    .struct_size = sizeof(tally_kernel),
    .name = "csum",
    .summary = "the sum, compensated (Neumaier)",
    .types = TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_F64),
    .columns = 1,
    .state_size = sizeof(struct compensated),
    .update = csum_update,
    .merge = csum_merge,
    .finish = csum_finish,
};

const tally_kernel* const* tally_kernels(void) {
  static const tally_kernel* const kernels[] = {&kPlain, &kCompensated, NULL};
  return kernels;
}

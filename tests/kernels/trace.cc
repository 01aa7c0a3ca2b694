// Kernels that write down what is done with them: blocks, leaves and merges, in order.
// Two chunkings that give the same text have made the same calls.
//
//   "(a b)"     b was merged into a
//   "[f:r+n=s]" a block of file f: first row r, n rows, whose elements add up to s;
//               [f:r+n/l=s] where rows were left out and l is the last one
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

#include <tally/tally_kernel.h>

namespace {

std::string& text_of(void* state) {
  return *std::launder(static_cast<std::string*>(state));
}
const std::string& text_of(const void* state) {
  return *std::launder(static_cast<const std::string*>(state));
}

template <typename T>
double sum_of(const tally_kernel_block& block, std::uint32_t column) {
  const T* values = static_cast<const T*>(block.values[column]);
  double sum = 0;
  for (std::size_t i = 0; i < block.count; ++i) sum += static_cast<double>(values[i]);
  return sum;
}

double sum_of(const tally_kernel_block& block, std::uint32_t column) {
  switch (block.type) {
    case TALLY_KERNEL_TYPE_I8: return sum_of<std::int8_t>(block, column);
    case TALLY_KERNEL_TYPE_I64: return sum_of<std::int64_t>(block, column);
    case TALLY_KERNEL_TYPE_F32: return sum_of<float>(block, column);
    case TALLY_KERNEL_TYPE_F64: return sum_of<double>(block, column);
    default: return -1;
  }
}

int init(tally_kernel_run*, void* state) {
  new (state) std::string;
  return 0;
}

int update(tally_kernel_run*, void* state, const tally_kernel_block* block) {
  char piece[128];
  int bytes = std::snprintf(piece, sizeof piece, "[%" PRIu32 ":%" PRIu64 "+%zu",
                            block->file, block->first_row, block->count);
  std::string& text = text_of(state);
  text.append(piece, static_cast<std::size_t>(bytes));
  if (block->rows != nullptr)
    text += "/" + std::to_string(block->rows[block->count - 1]);
  for (std::uint32_t column = 0; column < block->columns; ++column) {
    if (block->type == TALLY_KERNEL_TYPE_TEXT) {
      const auto* cells = static_cast<const tally_kernel_text*>(block->values[column]);
      for (std::size_t i = 0; i < block->count; ++i)
        text += (i == 0 ? "=" : "|") + (cells[i].size < 100
                                            ? std::string(cells[i].data, cells[i].size)
                                            : std::to_string(cells[i].size) + " bytes");
      continue;
    }
    bytes = std::snprintf(piece, sizeof piece, "=%g", sum_of(*block, column));
    text.append(piece, static_cast<std::size_t>(bytes));
  }
  text += ']';
  return 0;
}

int merge(tally_kernel_run*, void* into, const void* from) {
  text_of(into) = "(" + text_of(into) + " " + text_of(from) + ")";
  return 0;
}

int finish(tally_kernel_run* run, const void* state) {
  return tally_kernel_emit_text(run, "", text_of(state).c_str());
}

int serialize(tally_kernel_run* run, const void* state) {
  return tally_kernel_write(run, text_of(state).data(), text_of(state).size());
}

int deserialize(tally_kernel_run*, void* state, const void* bytes, std::size_t size) {
  text_of(state).assign(static_cast<const char*>(bytes), size);
  return 0;
}

void destroy(tally_kernel_run*, void* state) {
  text_of(state).~basic_string();
}

constexpr std::uint64_t kNumbers = TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_I8) |
                                   TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_I64) |
                                   TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_F32) |
                                   TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_F64);

constexpr tally_kernel kernel(const char* name, std::uint64_t types,
                              std::uint32_t columns) {
  return {TALLY_KERNEL_ABI,
          sizeof(tally_kernel),
          name,
          "what was done",
          types,
          columns,
          0,
          nullptr,
          0,
          sizeof(std::string),
          init,
          update,
          merge,
          finish,
          serialize,
          deserialize,
          destroy};
}

constexpr tally_kernel kTrace = kernel("trace", kNumbers, 1);
constexpr tally_kernel kTrace2 = kernel("trace2", kNumbers, 2);
constexpr tally_kernel kDoubles =
    kernel("trace_f64", TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_F64), 1);
constexpr tally_kernel kText =
    kernel("trace_text", TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_TEXT), 1);

}  // namespace

const tally_kernel* const* tally_kernels(void) {
  static const tally_kernel* const kernels[] = {&kTrace, &kTrace2, &kDoubles, &kText,
                                                nullptr};
  return kernels;
}

// A shared object whose table has one fault, chosen when it is built.
#include <cstddef>
#include <stdexcept>

#include <tally/tally_kernel.h>

#ifdef FAULT_MISSING_SYMBOL
extern "C" void nobody_has_this();
#endif

#ifndef FAULT_NO_SYMBOL
namespace {

int update(tally_kernel_run*, void*, const tally_kernel_block*) {
  return 0;
}
int merge(tally_kernel_run*, void*, const void*) {
  return 0;
}
int finish(tally_kernel_run* run, const void*) {
  return tally_kernel_emit_int(run, "", 0);
}

const tally_kernel_parameter kParameters[17] = {
#ifdef FAULT_BAD_PARAMETER
    {"Base", "the base", "2"},
#else
    {"base", "the base", "2"},
#endif
    {"base", "the base again", nullptr},
};

tally_kernel made() {
  tally_kernel kernel{};
  kernel.abi = TALLY_KERNEL_ABI;
  kernel.struct_size = sizeof kernel;
  kernel.name = "faulty";
  kernel.summary = "has a fault";
  kernel.types = TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_F64);
  kernel.columns = 1;
  kernel.parameters = kParameters;
  kernel.parameter_count = 1;
  kernel.state_size = 8;
  kernel.update = update;
  kernel.merge = merge;
  kernel.finish = finish;
#if defined(FAULT_OTHER_ABI)
  kernel.abi = 99;
#elif defined(FAULT_OTHER_SIZE)
  kernel.struct_size = 8;
#elif defined(FAULT_NO_NAME)
  kernel.name = nullptr;
#elif defined(FAULT_BAD_NAME)
  kernel.name = "geo-mean";
#elif defined(FAULT_BUILTIN_NAME)
  kernel.name = "sum";
#elif defined(FAULT_LONG_SUMMARY)
  kernel.summary = "one line\nand another";
#elif defined(FAULT_NO_TYPES)
  kernel.types = 0;
#elif defined(FAULT_OTHER_TYPES)
  kernel.types = TALLY_KERNEL_TAKES(12);
#elif defined(FAULT_TEXT_AND_NUMBERS)
  kernel.types |= TALLY_KERNEL_TAKES(TALLY_KERNEL_TYPE_TEXT);
#elif defined(FAULT_NO_COLUMNS)
  kernel.columns = 0;
#elif defined(FAULT_MANY_COLUMNS)
  kernel.columns = 17;
#elif defined(FAULT_OTHER_FLAGS)
  kernel.flags = 64;
#elif defined(FAULT_NO_STATE)
  kernel.state_size = 0;
#elif defined(FAULT_LARGE_STATE)
  kernel.state_size = std::size_t{1} << 40U;
#elif defined(FAULT_LARGE_PLAIN_STATE)
  kernel.state_size = std::size_t{9} << 20U;
#elif defined(FAULT_NO_UPDATE)
  kernel.update = nullptr;
#elif defined(FAULT_NO_MERGE)
  kernel.merge = nullptr;
#elif defined(FAULT_NO_FINISH)
  kernel.finish = nullptr;
#elif defined(FAULT_ONLY_SERIALIZE)
  kernel.serialize = finish;
#elif defined(FAULT_MANY_PARAMETERS)
  kernel.parameter_count = 17;
#elif defined(FAULT_NULL_PARAMETERS)
  kernel.parameters = nullptr;
#elif defined(FAULT_SAME_PARAMETER)
  kernel.parameter_count = 2;
#elif defined(FAULT_MISSING_SYMBOL)
  nobody_has_this();
#endif
  return kernel;
}

const tally_kernel kKernel = made();

}  // namespace

const tally_kernel* const* tally_kernels(void) {
#if defined(FAULT_THROWS)
  throw std::runtime_error("no kernels today");
#elif defined(FAULT_NULL_LIST)
  return nullptr;
#elif defined(FAULT_NO_KERNELS)
  static const tally_kernel* const kernels[] = {nullptr};
#elif defined(FAULT_SAME_NAME)
  static const tally_kernel* const kernels[] = {&kKernel, &kKernel, nullptr};
#elif defined(FAULT_ENDLESS_LIST)
  static tally_kernel many[65];
  static char names[65][3];
  static const tally_kernel* kernels[66];
  for (int i = 0; i < 65; ++i) {
    many[i] = kKernel;
    names[i][0] = static_cast<char>('a' + i / 10);
    names[i][1] = static_cast<char>('0' + i % 10);
    many[i].name = names[i];
    kernels[i] = &many[i];
  }
#else
  static const tally_kernel* const kernels[] = {&kKernel, nullptr};
#endif
#if !defined(FAULT_NULL_LIST) && !defined(FAULT_THROWS)
  return kernels;
#endif
}
#endif

// FloatGuard: puts the floating-point control words back that a kernel changed.
//
// Objects built with -ffast-math switch denormals off when they are loaded; a kernel
// may set a rounding mode and forget it. restore() costs a few cycles where nothing
// changed.
#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace tally::kernels {

class FloatGuard {
 public:
#if defined(__x86_64__)
  FloatGuard() noexcept : sse_(_mm_getcsr() & kControl) {
    asm("fnstcw %0" : "=m"(x87_));
  }
  void restore() const noexcept {
    if ((_mm_getcsr() & kControl) != sse_) _mm_setcsr(sse_);
    std::uint16_t now = 0;
    asm volatile("fnstcw %0" : "=m"(now));
    if (now != x87_) asm volatile("fldcw %0" : : "m"(x87_));
  }

 private:
  static constexpr unsigned kControl = 0xFFC0;  // all but the sticky flags
  const unsigned sse_;
  std::uint16_t x87_ = 0;

 public:
#else
  FloatGuard() noexcept {
    std::fegetenv(&saved_);
  }
  void restore() const noexcept {
    std::fesetenv(&saved_);
  }

 private:
  std::fenv_t saved_;

 public:
#endif
  ~FloatGuard() {
    restore();
  }
  FloatGuard(const FloatGuard&) = delete;
  FloatGuard& operator=(const FloatGuard&) = delete;
};

}  // namespace tally::kernels

// FloatEnvironment: the arithmetic that exact kernels need, for as long as it lives.
//
// Sets round-to-nearest, no flush-to-zero, no denormals-are-zero, all exceptions
// masked (MXCSR 0x1F80 on x86); restores what it found. A program that embeds tally
// may have changed them. Keep kernels that run under one in noinline functions, so
// that no arithmetic moves across its constructor or destructor.
#pragma once

#include <cfenv>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#ifdef __FAST_MATH__
#error "tally's arithmetic is exact only without -ffast-math"
#endif

namespace tally {

class FloatEnvironment {
 public:
#if defined(__SSE__)
  FloatEnvironment() noexcept : saved_(_mm_getcsr()) {
    _mm_setcsr(0x1F80);
  }
  ~FloatEnvironment() {
    _mm_setcsr(saved_);
  }
#else
  FloatEnvironment() noexcept {
    std::feholdexcept(&saved_);
    std::fesetround(FE_TONEAREST);
  }
  ~FloatEnvironment() {
    std::fesetenv(&saved_);
  }
#endif
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
#if defined(__SSE__)
  unsigned saved_;
#else
  std::fenv_t saved_;
#endif
};

}  // namespace tally

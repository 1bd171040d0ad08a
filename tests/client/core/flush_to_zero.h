// A trainer's thread that flushes subnormals to zero for speed, as long as this lives.
#ifndef LEHR_TESTS_CLIENT_CORE_FLUSH_TO_ZERO_H_
#define LEHR_TESTS_CLIENT_CORE_FLUSH_TO_ZERO_H_

#include "client/core/float_environment.h"

namespace lehr {

class FlushToZero {
 public:
  FlushToZero() { Environment::Set(flushing_); }
  ~FlushToZero() { Environment::Set(before_); }
  FlushToZero(const FlushToZero&) = delete;
  FlushToZero& operator=(const FlushToZero&) = delete;

  // The register is as it was set, and the CPU does as it says: operands and results are flushed.
  LEHR_NOINLINE bool IsOn() const {
    const bool as_set = Environment::Get() == flushing_;
    const volatile float subnormal = 0x1p-127f;
    const volatile float normal = 0x1p-126f;
    return as_set && subnormal + subnormal == 0.0f && normal * 0.5f == 0.0f;
  }

 private:
  using Environment = ScopedFloatEnvironment;
#if defined(__x86_64__)
  static constexpr Environment::Control kBoth = 0x8040;  // MXCSR: FTZ and DAZ.
#else
  static constexpr Environment::Control kBoth = 1 << 24;  // FPCR: FZ.
#endif

  const Environment::Control before_ = Environment::Get();
  const Environment::Control flushing_ = before_ | kBoth;
};

}  // namespace lehr

#endif  // LEHR_TESTS_CLIENT_CORE_FLUSH_TO_ZERO_H_

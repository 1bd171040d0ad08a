// The floating-point environment that the noise contract specifies: rounding to nearest, subnormals
// kept. Trainers often flush subnormals to zero for speed; within this scope their setting is away.
//
//   {
//     const ScopedFloatEnvironment environment;
//     ComputeIntoMemory(out);  // not inlined
//   }
//
// A compiler may move arithmetic on registers across the switch, but no call that writes memory:
// put the arithmetic into a LEHR_NOINLINE function. Threading: sets the calling thread only.

#ifndef LEHR_CLIENT_CORE_FLOAT_ENVIRONMENT_H_
#define LEHR_CLIENT_CORE_FLOAT_ENVIRONMENT_H_

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#error "unknown CPU: say here how to keep subnormals and to round to nearest"
#endif

#define LEHR_NOINLINE __attribute__((noinline))

namespace lehr {

class ScopedFloatEnvironment {
 public:
  ScopedFloatEnvironment() : callers_(Get()) { Set(kContract); }
  ~ScopedFloatEnvironment() { Set(callers_); }
  ScopedFloatEnvironment(const ScopedFloatEnvironment&) = delete;
  ScopedFloatEnvironment& operator=(const ScopedFloatEnvironment&) = delete;

  // The calling thread's control register, and what the contract wants in it.
#if defined(__x86_64__)
  using Control = std::uint32_t;
  static constexpr Control kContract = 0x1F80;  // MXCSR at reset: exceptions masked, FTZ, DAZ off.
  static Control Get() { return _mm_getcsr(); }
  static void Set(Control control) {
    __asm__ volatile("" ::: "memory");
    _mm_setcsr(control);
    __asm__ volatile("" ::: "memory");
  }
#else
  using Control = std::uint64_t;
  static constexpr Control kContract = 0;  // FPCR: round to nearest, FZ off, traps off.
  static Control Get() {
    Control control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
  }
  static void Set(Control control) { __asm__ volatile("msr fpcr, %0" : : "r"(control) : "memory"); }
#endif

 private:
  Control callers_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_FLOAT_ENVIRONMENT_H_

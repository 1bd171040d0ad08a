#include "trainer/kernels.h"

namespace lehr {

extern const KernelSet kKernelsBaseline;
#if defined(__x86_64__)
extern const KernelSet kKernelsAvx2;
extern const KernelSet kKernelsAvx512;
#endif

const KernelSet& Kernels() {
  static const KernelSet& widest = *SupportedKernels().front();
  return widest;
}

std::vector<const KernelSet*> SupportedKernels() {
  std::vector<const KernelSet*> supported;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("fma")) {
    supported.push_back(&kKernelsAvx512);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    supported.push_back(&kKernelsAvx2);
  }
#endif
  supported.push_back(&kKernelsBaseline);
  return supported;
}

}  // namespace lehr

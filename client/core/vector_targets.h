// For which instruction sets the noise is made in vectors: SSE4, AVX2, AVX-512 and NEON. To be
// included before <hwy/foreach_target.h>.
#ifndef LEHR_CLIENT_CORE_VECTOR_TARGETS_H_
#define LEHR_CLIENT_CORE_VECTOR_TARGETS_H_

// AVX3_DL has no instruction that the noise could use beside AVX3's, and SSSE3 none beside SSE4's.
// Vectors of SVE and RVV have no size that the compiler knows, and cannot be members.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#endif  // LEHR_CLIENT_CORE_VECTOR_TARGETS_H_

// The binary logarithm of a big integer in fixed point, by integer operations alone: a library's
// log2 differs in bits between CPUs.
//
//   FixedLog2(8) == 3 << kFixedLog2Bits
#ifndef LEHR_SERVER_CORE_FIXED_LOG2_H_
#define LEHR_SERVER_CORE_FIXED_LOG2_H_

#include "server/core/big_integer.h"

namespace lehr {

inline constexpr int kFixedLog2Bits = 96;

// log2(value) in units of 2^-kFixedLog2Bits, not above the true value and less than two units below
// it. `value` >= 1.
BigInteger FixedLog2(const BigInteger& value);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_FIXED_LOG2_H_

#include "server/core/big_integer.h"

#include <cmath>

namespace lehr {

BigInteger ToBigInteger(absl::Span<const uint64_t> limbs) {
  BigInteger integer = static_cast<int64_t>(limbs.back());
  for (limbs.remove_suffix(1); !limbs.empty(); limbs.remove_suffix(1)) {
    integer <<= 64;
    integer += limbs.back();
  }
  return integer;
}

double RoundToDouble(const BigInteger& value, int exponent) {
  constexpr int kDoubleBits = 53;
  if (value == 0) {
    return 0;
  }
  const BigInteger magnitude = abs(value);
  const int dropped = static_cast<int>(msb(magnitude)) + 1 - kDoubleBits;
  BigInteger kept = magnitude;
  if (dropped > 0) {
    kept >>= dropped;
    const BigInteger rest = magnitude - (kept << dropped);
    const BigInteger half = BigInteger(1) << (dropped - 1);
    if (rest > half || (rest == half && bit_test(kept, 0))) {
      ++kept;
    }
    exponent += dropped;
  }
  // At most 2^53, so that neither this nor ldexp rounds again.
  const double rounded = std::ldexp(static_cast<double>(static_cast<uint64_t>(kept)), exponent);
  return value < 0 ? -rounded : rounded;
}

}  // namespace lehr

// Integers wide enough to compute with exact sums, and their rounding to double.
//
// The widest use is the square of a sum: 2 * 384 bits. A header for .cc files: Boost's is heavy.
#ifndef LEHR_SERVER_CORE_BIG_INTEGER_H_
#define LEHR_SERVER_CORE_BIG_INTEGER_H_

// GCC 12 sees an overlap in std::string (its bug 105651) where Boost prints an integer.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wrestrict"
#endif
#include <boost/multiprecision/cpp_int.hpp>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <cstdint>

#include "absl/types/span.h"

namespace lehr {

using BigInteger = boost::multiprecision::int1024_t;

// The two's complement integer with these limbs, lowest first: ToBigInteger(sum.limbs()).
BigInteger ToBigInteger(absl::Span<const uint64_t> limbs);

// value * 2^exponent, rounded to nearest, ties to even, by integer operations: the same bits on
// every CPU. The result must lie in double's normal range, or be zero.
double RoundToDouble(const BigInteger& value, int exponent);

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_BIG_INTEGER_H_

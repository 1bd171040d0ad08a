// The two 16-bit formats that models are stored in, as the noise contract reads and writes them:
// widened exactly, narrowed to nearest, ties to even, also into infinity. Threading: pure.
#ifndef LEHR_CLIENT_CORE_HALF_FLOATS_H_
#define LEHR_CLIENT_CORE_HALF_FLOATS_H_

#include <bit>
#include <cstdint>

namespace lehr {

// 1 sign bit, 8 of the exponent, 7 of the fraction: the upper half of a binary32.
struct Bfloat16 {
  std::uint16_t bits = 0;
};

// IEEE-754 binary16: 1 sign bit, 5 of the exponent, 10 of the fraction.
struct Float16 {
  std::uint16_t bits = 0;
};

inline float Widened(Bfloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

inline float Widened(Float16 value) {
  const std::uint32_t sign = (value.bits & 0x8000u) << 16;
  const std::uint32_t rest = (value.bits & 0x7FFFu) << 13;
  constexpr std::uint32_t kInfinity = 0x7C00u << 13;
  // The exponents differ by 112: subnormals become normal by the exact product.
  const std::uint32_t magnitude =
      rest >= kInfinity ? rest + ((255u - 31u) << 23)
                        : std::bit_cast<std::uint32_t>(std::bit_cast<float>(rest) * 0x1p112f);
  return std::bit_cast<float>(sign | magnitude);
}

// `value` is not NaN.
inline void Narrow(float value, Bfloat16& narrowed) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  narrowed.bits = static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

// `value` is not NaN.
inline void Narrow(float value, Float16& narrowed) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000;
  const std::uint32_t magnitude = bits & 0x7FFFFFFF;
  constexpr std::uint32_t kLeastNormal = 0x38800000;  // 2^-14
  constexpr std::uint32_t kOverflow = 0x477FF000;     // 65520 rounds to infinity.
  std::uint32_t rounded = 0x7C00;
  if (magnitude < kLeastNormal) {
    // The last place of 0.5 is that of the subnormals: the sum rounds as they do.
    rounded = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) - 0x3F000000;
  } else if (magnitude < kOverflow) {
    rounded = (magnitude - (112u << 23) + 0xFFF + (magnitude >> 13 & 1)) >> 13;
  }
  narrowed.bits = static_cast<std::uint16_t>(sign | rounded);
}

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_HALF_FLOATS_H_

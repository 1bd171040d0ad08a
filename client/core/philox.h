// Philox4x32-10, a counter-based random number generator: a block of four words is a pure function
// of its counter and key, so that any element's noise is reached without the ones before it.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011); section
// 3 of proto/lehr/v1/NOISE.md. Threading: pure.

#ifndef LEHR_CLIENT_CORE_PHILOX_H_
#define LEHR_CLIENT_CORE_PHILOX_H_

#include <array>
#include <cstdint>

namespace lehr {

using PhiloxBlock = std::array<std::uint32_t, 4>;

constexpr PhiloxBlock Philox4x32(PhiloxBlock counter, std::array<std::uint32_t, 2> key) {
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_PHILOX_H_

// The first 8 bytes of a SHA-256 as a number, first byte most significant: how the noise contract
// (proto/lehr/v1/NOISE.md) makes 64-bit ids that other languages can make too. Threading: pure.

#ifndef LEHR_CLIENT_CORE_SHA256_PREFIX_H_
#define LEHR_CLIENT_CORE_SHA256_PREFIX_H_

#include <cstdint>
#include <string_view>

namespace lehr {

std::uint64_t Sha256Prefix(std::string_view bytes);

}  // namespace lehr

#endif  // LEHR_CLIENT_CORE_SHA256_PREFIX_H_

#include "client/core/sha256_prefix.h"

#include <openssl/sha.h>

#include <array>
#include <cstddef>

namespace lehr {

std::uint64_t Sha256Prefix(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < sizeof(prefix); ++i) {
    prefix = prefix << 8 | digest[i];
  }
  return prefix;
}

}  // namespace lehr

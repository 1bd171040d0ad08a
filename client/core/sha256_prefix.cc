#include "client/core/sha256_prefix.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <cstddef>

namespace lehr {

std::uint64_t Sha256Prefix(std::string_view bytes) {
  // SHA256() looks it up by name each time, under locks, which takes longer than to hash a name.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, kSha256, nullptr);
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < sizeof(prefix); ++i) {
    prefix = prefix << 8 | digest[i];
  }
  return prefix;
}

}  // namespace lehr

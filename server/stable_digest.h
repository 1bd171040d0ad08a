// A hash that is the same in every process and every build, unlike absl::Hash: what a sidecar
// computed before it was restarted is compared with what it computes after. Not for hash tables,
// nor against attackers.
#ifndef LEHR_SERVER_STABLE_DIGEST_H_
#define LEHR_SERVER_STABLE_DIGEST_H_

#include <cstdint>
#include <string_view>

namespace lehr {

// FNV-1a of 64 bits.
inline uint64_t StableDigest(std::string_view bytes) {
  uint64_t digest = 0xcbf29ce484222325u;
  for (const char byte : bytes) {
    digest = (digest ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  }
  return digest;
}

}  // namespace lehr

#endif  // LEHR_SERVER_STABLE_DIGEST_H_

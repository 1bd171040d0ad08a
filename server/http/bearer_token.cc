#include "server/http/bearer_token.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <fstream>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

constexpr std::size_t kLeastLength = 16;
constexpr std::size_t kGreatestLength = 512;

}  // namespace

absl::StatusOr<BearerToken> BearerToken::Read(const std::string& path) {
  std::ifstream file(path);
  std::string secret;
  if (!file) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": it cannot be read"));
  }
  std::getline(file, secret);
  if (!secret.empty() && secret.back() == '\r') {
    secret.pop_back();
  }
  if (secret.size() < kLeastLength || secret.size() > kGreatestLength ||
      !absl::c_all_of(secret, absl::ascii_isgraph)) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": its first line must be a token of ", kLeastLength, " to ", kGreatestLength,
        " printable ASCII characters without spaces, and has ", secret.size()));
  }
  return BearerToken(std::move(secret));
}

bool BearerToken::IsIn(std::string_view authorization) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (!absl::EqualsIgnoreCase(
          absl::string_view(authorization.data(), std::min(authorization.size(), kScheme.size())),
          absl::string_view(kScheme.data(), kScheme.size()))) {
    return false;
  }
  const std::string_view given = authorization.substr(kScheme.size());
  return given.size() == secret_.size() &&
         CRYPTO_memcmp(given.data(), secret_.data(), secret_.size()) == 0;
}

}  // namespace lehr

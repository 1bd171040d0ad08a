// The secret that lets a client change something over HTTP: "Authorization: Bearer SECRET".
#ifndef LEHR_SERVER_HTTP_BEARER_TOKEN_H_
#define LEHR_SERVER_HTTP_BEARER_TOKEN_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace lehr {

class BearerToken {
 public:
  // The first line of a file. Bound: 16 to 512 printable characters of ASCII, no spaces.
  // INVALID_ARGUMENT with the file, never with what it holds, for something else.
  static absl::StatusOr<BearerToken> Read(const std::string& path);

  // Whether the header's value carries it. How long that takes does not tell how much of it fits.
  bool IsIn(std::string_view authorization) const;

 private:
  explicit BearerToken(std::string secret) : secret_(std::move(secret)) {}

  std::string secret_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_BEARER_TOKEN_H_

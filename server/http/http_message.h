// A request and its response, as the HTTP port's handlers see them.
#ifndef LEHR_SERVER_HTTP_HTTP_MESSAGE_H_
#define LEHR_SERVER_HTTP_HTTP_MESSAGE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace lehr {

// Content types.
inline constexpr char kTextType[] = "text/plain; charset=utf-8";
inline constexpr char kPrometheusType[] = "text/plain; version=0.0.4; charset=utf-8";

struct HttpRequest {
  // "GET".
  std::string method;
  // Percent-decoded, without the query: "/api/v1/runs".
  std::string path;
  // As sent, without the question mark: "page_size=5&page_token=a%2Fb".
  std::string query;
  // Headers, "" where they are missing.
  std::string authorization;
  std::string content_type;
  std::string if_none_match;
  // Reads the body; a handler that wants none does not call it. OUT_OF_RANGE: it is longer than
  // `most` bytes; UNAVAILABLE: the client is gone. Empty: there is no body.
  std::function<absl::StatusOr<std::string>(std::size_t most)> read_body;
};

// Sends a piece of a response; false: the client is gone, or the server stops.
using HttpWriter = std::function<bool(std::string_view piece)>;

struct HttpResponse {
  int code = 200;
  std::string content_type;
  std::string body;
  std::string cache_control = "no-store";
  // Further headers: names and values.
  std::vector<std::pair<std::string, std::string>> headers;
  // Set: the body comes from here, piece by piece, for as long as it runs. It holds a thread of the
  // server, and must end when the writer says so.
  std::function<void(const HttpWriter& write)> stream;
};

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_HTTP_MESSAGE_H_

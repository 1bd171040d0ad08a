// A request and its response, as the HTTP port's handlers see them.
#ifndef LEHR_SERVER_HTTP_HTTP_MESSAGE_H_
#define LEHR_SERVER_HTTP_HTTP_MESSAGE_H_

#include <string>

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
};

struct HttpResponse {
  int code = 200;
  std::string content_type;
  std::string body;
};

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_HTTP_MESSAGE_H_

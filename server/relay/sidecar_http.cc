#include "server/relay/sidecar_http.h"

#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kPrometheusText[] = "text/plain; version=0.0.4; charset=utf-8";

HttpResponse Answer(const Sidecar& sidecar, const Metrics& metrics, const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return {405, kText, absl::StrCat("method ", request.method, ": not GET or HEAD\n")};
  }
  if (request.path == "/metrics") {
    return {200, kPrometheusText, metrics.Serialize()};
  }
  if (request.path == "/healthz") {
    return {200, kText, "alive\n"};
  }
  if (request.path == "/readyz") {
    return sidecar.ready() ? HttpResponse{200, kText, "ready\n"}
                           : HttpResponse{503, kText,
                                          absl::StrCat("the supervisor at ", sidecar.upstream(),
                                                       " is not connected\n")};
  }
  return {404, kText,
          absl::StrCat("this lehrd is a sidecar, with /metrics, /healthz and /readyz; the runs are "
                       "at the supervisor, ",
                       sidecar.upstream(), "\n")};
}

}  // namespace

HttpResponse SidecarHttp(const Sidecar& sidecar, Metrics& metrics, const HttpRequest& request) {
  HttpResponse response = Answer(sidecar, metrics, request);
  metrics.HttpRequest(response.code == 404 || response.code == 405 ? "other" : request.path,
                      response.code);
  return response;
}

}  // namespace lehr

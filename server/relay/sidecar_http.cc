#include "server/relay/sidecar_http.h"

#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

HttpResponse Answer(const Sidecar& sidecar, const Metrics& metrics, const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return {405,
            kTextType,
            absl::StrCat("method ", request.method, ": not GET or HEAD\n"),
            "no-store",
            {{"Allow", "GET, HEAD"}}};
  }
  if (request.path == "/metrics") {
    return {200, kPrometheusType, metrics.Serialize()};
  }
  if (request.path == "/healthz") {
    return {200, kTextType, "alive\n"};
  }
  if (request.path == "/readyz") {
    return sidecar.ready() ? HttpResponse{200, kTextType, "ready\n"}
                           : HttpResponse{503, kTextType,
                                          absl::StrCat("the supervisor at ", sidecar.upstream(),
                                                       " is not connected\n")};
  }
  return {404, kTextType,
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

// What the HTTP port answers:
//
//   /                             the runs as a page
//   /metrics                      Prometheus' text format
//   /healthz                      200 while the process lives
//   /readyz                       200 while reports are taken, 503 otherwise
//   /api/v1/runs                  ListRunsResponse; page_size, page_token
//   /api/v1/runs/ID               GetRunResponse
//   /api/v1/runs/ID/history       GetHistoryResponse; generation, from_step, page_size, page_token,
//                                 only_commands
//
// Messages are proto3's JSON with every field that is not a message, zeros too. Errors are
// {"code": "NOT_FOUND", "message": "..."} under the HTTP code of HttpCode. It only reads: GET and
// HEAD.
#ifndef LEHR_SERVER_HTTP_HTTP_API_H_
#define LEHR_SERVER_HTTP_HTTP_API_H_

#include <string>

#include "server/http/http_message.h"

namespace lehr {

class Metrics;
class Supervisor;

// Thread-safe.
class HttpApi {
 public:
  // Both outlive this.
  HttpApi(const Supervisor& supervisor, Metrics& metrics)
      : supervisor_(supervisor), metrics_(metrics) {}

  HttpResponse Handle(const HttpRequest& request) const;

 private:
  struct Target {
    // Empty where the route has none.
    std::string run_id;
    std::string query;
  };
  using Handler = HttpResponse (HttpApi::*)(const Target& target) const;
  struct Route {
    // A path in which {run_id} stands for any one segment.
    const char* pattern;
    Handler handler;
  };
  static const Route kRoutes[];

  HttpResponse Page(const Target& target) const;
  HttpResponse Style(const Target& target) const;
  HttpResponse MetricsText(const Target& target) const;
  HttpResponse Health(const Target& target) const;
  HttpResponse Readiness(const Target& target) const;
  HttpResponse ListRuns(const Target& target) const;
  HttpResponse GetRun(const Target& target) const;
  HttpResponse GetHistory(const Target& target) const;

  const Supervisor& supervisor_;
  Metrics& metrics_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_HTTP_API_H_

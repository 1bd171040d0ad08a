// What the HTTP port answers:
//
//   /                               the page, and at /assets/... its files
//   /metrics                        Prometheus' text format
//   /healthz                        200 while the process lives
//   /readyz                         200 while reports are taken, 503 otherwise
//   /api/v1/about                   GetAboutResponse
//   /api/v1/overview                ListOverviewResponse; page_size, page_token
//   /api/v1/events                  events of all runs (overview_feed.h)
//   /api/v1/runs                    ListRunsResponse; page_size, page_token
//   /api/v1/runs/ID                 GetRunResponse
//   /api/v1/runs/ID/history         GetHistoryResponse; generation, from_step, page_size,
//                                   page_token, only_commands, only_acts, newest_first
//   /api/v1/runs/ID/series          GetSeriesResponse; generation, from_step, to_step, points
//   /api/v1/runs/ID/ranks           ListRanksResponse; page_size, page_token
//   /api/v1/runs/ID/events          events of the run (run_feed.h)
//
// All of them with GET and HEAD. With POST, a JSON body and the bearer token, where lehrd has one:
//
//   /api/v1/runs/ID/policy          SetPolicyRequest, SetPolicyResponse
//   /api/v1/runs/ID/end             EndRunRequest, EndRunResponse
//   /api/v1/stop-acting             StopActingRequest, StopActingResponse
//
// Messages are proto3's JSON with every field that is not a message, zeros too. Errors are
// {"code": "NOT_FOUND", "message": "..."} under the HTTP code of HttpCode, and 405, 413 and 415.
#ifndef LEHR_SERVER_HTTP_HTTP_API_H_
#define LEHR_SERVER_HTTP_HTTP_API_H_

#include <cstddef>
#include <optional>
#include <string>

#include "server/http/bearer_token.h"
#include "server/http/event_stream.h"
#include "server/http/http_message.h"
#include "server/http/overview_feed.h"

namespace lehr {

class Metrics;
class Supervisor;

// Of a POST. Unit: bytes.
inline constexpr std::size_t kMaxBody = 16 << 10;

// Thread-safe.
class HttpApi {
 public:
  struct Options {
    // Unset: nothing can be changed.
    std::optional<BearerToken> token;
    // Clients of events at a time, each of which holds a thread of the server.
    int max_event_clients = 16;
  };
  // Both outlive this.
  HttpApi(Supervisor& supervisor, Metrics& metrics, Options options);

  HttpResponse Handle(const HttpRequest& request);

  // Ends every stream of events, at once and for good. Once.
  void StopEvents() { streams_.Stop(); }

 private:
  struct Target {
    // Empty where the route has none.
    std::string run_id;
    const HttpRequest& request;
  };
  using Handler = HttpResponse (HttpApi::*)(const Target& target);
  struct Route {
    // A path in which {run_id} stands for any one segment.
    const char* pattern;
    Handler handler;
    bool changes = false;
  };
  static const Route kRoutes[];

  HttpResponse Call(const Route& route, const Target& target);

  HttpResponse MetricsText(const Target& target);
  HttpResponse Health(const Target& target);
  HttpResponse Readiness(const Target& target);
  HttpResponse About(const Target& target);
  HttpResponse ListOverview(const Target& target);
  HttpResponse OverviewEvents(const Target& target);
  HttpResponse ListRuns(const Target& target);
  HttpResponse GetRun(const Target& target);
  HttpResponse GetHistory(const Target& target);
  HttpResponse GetSeries(const Target& target);
  HttpResponse ListRanks(const Target& target);
  HttpResponse RunEvents(const Target& target);
  HttpResponse SetPolicy(const Target& target);
  HttpResponse EndRun(const Target& target);
  HttpResponse StopActing(const Target& target);

  Supervisor& supervisor_;
  Metrics& metrics_;
  const std::optional<BearerToken> token_;
  EventStreams streams_;
  OverviewFeed feed_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_HTTP_API_H_

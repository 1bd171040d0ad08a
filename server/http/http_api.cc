#include "server/http/http_api.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "lehr/v1/runs.pb.h"
#include "server/http/http_status.h"
#include "server/http/json.h"
#include "server/http/query_string.h"
#include "server/http/run_feed.h"
#include "server/http/web_assets.h"
#include "server/metrics.h"
#include "server/supervisor.h"

namespace lehr {
namespace {

constexpr char kJson[] = "application/json";
constexpr char kImmutable[] = "public, max-age=31536000, immutable";

// The run_id of a path that has the pattern's form, "" for a pattern without one.
std::optional<std::string> Match(absl::string_view pattern, absl::string_view path) {
  const std::vector<absl::string_view> expected = absl::StrSplit(pattern, '/');
  const std::vector<absl::string_view> actual = absl::StrSplit(path, '/');
  if (actual.size() != expected.size()) {
    return std::nullopt;
  }
  std::string run_id;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (expected[i] == "{run_id}") {
      run_id = std::string(actual[i]);
    } else if (actual[i] != expected[i]) {
      return std::nullopt;
    }
  }
  return run_id;
}

HttpResponse Error(int code, const absl::Status& status) {
  const nlohmann::ordered_json error = {{"code", absl::StatusCodeToString(status.code())},
                                        {"message", std::string(status.message())}};
  return {code, kJson,
          error.dump(/*indent=*/-1, /*indent_char=*/' ', /*ensure_ascii=*/false,
                     nlohmann::ordered_json::error_handler_t::replace)};
}

HttpResponse Error(const absl::Status& status) { return Error(HttpCode(status.code()), status); }

template <typename Message>
HttpResponse Json(const absl::StatusOr<Message>& message) {
  return message.ok() ? HttpResponse{200, kJson, ToJson(*message)} : Error(message.status());
}

// The answer to a request that the query fills in, and the path where it names a run.
template <typename Request, typename Answer>
HttpResponse AnswerQuery(const std::string& query, Request request, Answer answer) {
  if (absl::Status status = FillFromQuery(query, request); !status.ok()) {
    return Error(status);
  }
  return Json(answer(request));
}

template <typename Request>
Request OfRun(const std::string& run_id) {
  Request request;
  request.set_run_id(run_id);
  return request;
}

HttpResponse MethodError(const std::string& method, const char* allowed) {
  HttpResponse response =
      Error(405, absl::UnimplementedError(absl::StrCat("method ", method, ": only ", allowed)));
  response.headers = {{"Allow", allowed}};
  return response;
}

// What the body of a POST says, or the error.
template <typename Request>
std::optional<HttpResponse> ReadJson(const HttpRequest& http, Request& request) {
  const absl::string_view type = http.content_type;
  if (!absl::EqualsIgnoreCase(absl::StripTrailingAsciiWhitespace(type.substr(0, type.find(';'))),
                              kJson)) {
    return Error(415, absl::InvalidArgumentError(
                          absl::StrCat("content-type ", type, ": the body must be ", kJson)));
  }
  const absl::StatusOr<std::string> body = http.read_body(kMaxBody);
  if (absl::IsOutOfRange(body.status())) {
    return Error(413, body.status());
  }
  if (!body.ok()) {
    return Error(body.status());
  }
  if (absl::Status status = FromJson(*body, request); !status.ok()) {
    return Error(status);
  }
  return std::nullopt;
}

// The body may repeat the run that the path names.
template <typename Request>
std::optional<HttpResponse> ReadJsonOfRun(const HttpRequest& http, const std::string& run_id,
                                          Request& request) {
  if (auto error = ReadJson(http, request)) {
    return error;
  }
  if (!request.run_id().empty() && request.run_id() != run_id) {
    return Error(absl::InvalidArgumentError(absl::StrCat(
        "run_id is ", request.run_id(), " in the body, and ", run_id, " in the path")));
  }
  request.set_run_id(run_id);
  return std::nullopt;
}

const WebAsset* FindAsset(absl::string_view path) {
  for (const WebAsset& asset : WebAssets()) {
    if (path == absl::string_view(asset.path.data(), asset.path.size())) {
      return &asset;
    }
  }
  return nullptr;
}

HttpResponse ServeAsset(const WebAsset& asset, const HttpRequest& request) {
  HttpResponse response = {.code = 200,
                           .content_type = std::string(asset.content_type),
                           .cache_control = asset.immutable ? kImmutable : "no-cache",
                           .headers = {{"ETag", std::string(asset.etag)}}};
  if (request.if_none_match == asset.etag) {
    response.code = 304;
  } else {
    response.body = std::string(asset.bytes);
  }
  return response;
}

// A client who comes too often is told when to try again.
HttpResponse TooManyStreams(int most) {
  HttpResponse response =
      Error(503, absl::UnavailableError(absl::StrCat("all ", most,
                                                     " places for clients of events are taken; "
                                                     "--http_threads makes more")));
  response.headers = {{"Retry-After", "10"}};
  return response;
}

HttpResponse EventResponse(std::function<void(const HttpWriter&)> stream) {
  return {.code = 200, .content_type = kEventStreamType, .stream = std::move(stream)};
}

}  // namespace

const HttpApi::Route HttpApi::kRoutes[] = {
    {"/metrics", &HttpApi::MetricsText},
    {"/healthz", &HttpApi::Health},
    {"/readyz", &HttpApi::Readiness},
    {"/api/v1/about", &HttpApi::About},
    {"/api/v1/overview", &HttpApi::ListOverview},
    {"/api/v1/events", &HttpApi::OverviewEvents},
    {"/api/v1/runs", &HttpApi::ListRuns},
    {"/api/v1/runs/{run_id}", &HttpApi::GetRun},
    {"/api/v1/runs/{run_id}/history", &HttpApi::GetHistory},
    {"/api/v1/runs/{run_id}/series", &HttpApi::GetSeries},
    {"/api/v1/runs/{run_id}/ranks", &HttpApi::ListRanks},
    {"/api/v1/runs/{run_id}/events", &HttpApi::RunEvents},
    {"/api/v1/runs/{run_id}/policy", &HttpApi::SetPolicy, /*changes=*/true},
    {"/api/v1/runs/{run_id}/end", &HttpApi::EndRun, /*changes=*/true},
    {"/api/v1/stop-acting", &HttpApi::StopActing, /*changes=*/true},
};

HttpApi::HttpApi(Supervisor& supervisor, Metrics& metrics, Options options)
    : supervisor_(supervisor),
      metrics_(metrics),
      token_(std::move(options.token)),
      streams_(options.max_event_clients),
      feed_(supervisor, streams_) {}

HttpResponse HttpApi::Handle(const HttpRequest& request) {
  for (const Route& route : kRoutes) {
    const std::optional<std::string> run_id = Match(route.pattern, request.path);
    if (!run_id) {
      continue;
    }
    HttpResponse response = Call(route, {*run_id, request});
    metrics_.HttpRequest(route.pattern, response.code);
    return response;
  }
  const WebAsset* asset = FindAsset(request.path);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  HttpResponse response =
      asset == nullptr
          ? Error(absl::NotFoundError(absl::StrCat("path ", request.path, ": there is nothing")))
      : reads ? ServeAsset(*asset, request)
              : MethodError(request.method, "GET, HEAD");
  metrics_.HttpRequest(asset == nullptr ? "other" : "page", response.code);
  return response;
}

HttpResponse HttpApi::Call(const Route& route, const Target& target) {
  const std::string& method = target.request.method;
  if (!route.changes) {
    return method == "GET" || method == "HEAD" ? (this->*route.handler)(target)
                                               : MethodError(method, "GET, HEAD");
  }
  if (method != "POST") {
    return MethodError(method, "POST");
  }
  if (!token_) {
    return Error(absl::PermissionDeniedError(
        "nothing can be changed over HTTP: lehrd has no --http_token_file"));
  }
  if (!token_->IsIn(target.request.authorization)) {
    HttpResponse response = Error(absl::UnauthenticatedError(
        "the header Authorization must carry the token of lehrd: Bearer TOKEN"));
    response.headers = {{"WWW-Authenticate", "Bearer realm=\"lehrd\""}};
    return response;
  }
  return (this->*route.handler)(target);
}

HttpResponse HttpApi::MetricsText(const Target&) {
  return {200, kPrometheusType, metrics_.Serialize()};
}

HttpResponse HttpApi::Health(const Target&) { return {200, kTextType, "alive\n"}; }

HttpResponse HttpApi::Readiness(const Target&) {
  if (!supervisor_.ready()) {
    return {503, kTextType, "not ready\n"};
  }
  return {200, kTextType, "ready\n"};
}

HttpResponse HttpApi::About(const Target&) {
  v1::GetAboutResponse about;
  about.set_version(LEHR_VERSION);
  about.set_writable(token_.has_value());
  return {200, kJson, ToJson(about)};
}

HttpResponse HttpApi::ListOverview(const Target& target) {
  return AnswerQuery(target.request.query, v1::ListOverviewRequest(),
                     [&](const auto& request) { return supervisor_.ListOverview(request); });
}

HttpResponse HttpApi::OverviewEvents(const Target&) {
  std::shared_ptr<void> place = streams_.Enter();
  if (place == nullptr) {
    return TooManyStreams(streams_.most());
  }
  return EventResponse([this, place](const HttpWriter& write) { feed_.Run(write); });
}

HttpResponse HttpApi::ListRuns(const Target& target) {
  return AnswerQuery(target.request.query, v1::ListRunsRequest(),
                     [&](const auto& request) { return supervisor_.ListRuns(request); });
}

HttpResponse HttpApi::GetRun(const Target& target) {
  return AnswerQuery(target.request.query, OfRun<v1::GetRunRequest>(target.run_id),
                     [&](const auto& request) { return supervisor_.GetRun(request); });
}

HttpResponse HttpApi::GetHistory(const Target& target) {
  return AnswerQuery(target.request.query, OfRun<v1::GetHistoryRequest>(target.run_id),
                     [&](const auto& request) { return supervisor_.GetHistory(request); });
}

HttpResponse HttpApi::GetSeries(const Target& target) {
  return AnswerQuery(target.request.query, OfRun<v1::GetSeriesRequest>(target.run_id),
                     [&](const auto& request) { return supervisor_.GetSeries(request); });
}

HttpResponse HttpApi::ListRanks(const Target& target) {
  return AnswerQuery(target.request.query, OfRun<v1::ListRanksRequest>(target.run_id),
                     [&](const auto& request) { return supervisor_.ListRanks(request); });
}

HttpResponse HttpApi::RunEvents(const Target& target) {
  std::shared_ptr<void> place = streams_.Enter();
  if (place == nullptr) {
    return TooManyStreams(streams_.most());
  }
  absl::StatusOr<std::shared_ptr<RunFeed>> feed =
      RunFeed::Open(supervisor_, target.run_id, streams_);
  if (!feed.ok()) {
    return Error(feed.status());
  }
  return EventResponse(
      [feed = *std::move(feed), place](const HttpWriter& write) { feed->Run(write); });
}

HttpResponse HttpApi::SetPolicy(const Target& target) {
  v1::SetPolicyRequest request;
  const auto error = ReadJsonOfRun(target.request, target.run_id, request);
  return error ? *error : Json(supervisor_.SetPolicy(request));
}

HttpResponse HttpApi::EndRun(const Target& target) {
  v1::EndRunRequest request;
  const auto error = ReadJsonOfRun(target.request, target.run_id, request);
  return error ? *error : Json(supervisor_.EndRun(request));
}

HttpResponse HttpApi::StopActing(const Target& target) {
  v1::StopActingRequest request;
  const auto error = ReadJson(target.request, request);
  return error ? *error : Json(supervisor_.StopActing(request));
}

}  // namespace lehr

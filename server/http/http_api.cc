#include "server/http/http_api.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "lehr/v1/runs.pb.h"
#include "server/http/http_status.h"
#include "server/http/query_string.h"
#include "server/http/runs_page.h"
#include "server/metrics.h"
#include "server/supervisor.h"

namespace lehr {
namespace {

constexpr char kHtml[] = "text/html; charset=utf-8";
constexpr char kCss[] = "text/css; charset=utf-8";
constexpr char kJson[] = "application/json";

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
  if (!message.ok()) {
    return Error(message.status());
  }
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  HttpResponse response = {200, kJson, ""};
  const auto status =
      google::protobuf::util::MessageToJsonString(*message, &response.body, options);
  if (!status.ok()) {
    return Error(absl::InternalError(status.ToString()));
  }
  return response;
}

}  // namespace

const HttpApi::Route HttpApi::kRoutes[] = {
    {"/", &HttpApi::Page},
    {"/style.css", &HttpApi::Style},
    {"/metrics", &HttpApi::MetricsText},
    {"/healthz", &HttpApi::Health},
    {"/readyz", &HttpApi::Readiness},
    {"/api/v1/runs", &HttpApi::ListRuns},
    {"/api/v1/runs/{run_id}", &HttpApi::GetRun},
    {"/api/v1/runs/{run_id}/history", &HttpApi::GetHistory},
};

HttpResponse HttpApi::Handle(const HttpRequest& request) const {
  for (const Route& route : kRoutes) {
    const std::optional<std::string> run_id = Match(route.pattern, request.path);
    if (!run_id) {
      continue;
    }
    HttpResponse response = request.method == "GET" || request.method == "HEAD"
                                ? (this->*route.handler)({*run_id, request.query})
                                : Error(405, absl::UnimplementedError(absl::StrCat(
                                                 "method ", request.method, ": not GET or HEAD")));
    metrics_.HttpRequest(route.pattern, response.code);
    return response;
  }
  HttpResponse response =
      Error(absl::NotFoundError(absl::StrCat("path ", request.path, ": there is nothing")));
  metrics_.HttpRequest("other", response.code);
  return response;
}

HttpResponse HttpApi::Page(const Target& target) const {
  v1::ListRunsRequest request;
  if (absl::Status status = FillFromQuery(target.query, request); !status.ok()) {
    return Error(status);
  }
  const absl::StatusOr<v1::ListRunsResponse> runs = supervisor_.ListRuns(request);
  if (!runs.ok()) {
    return Error(runs.status());
  }
  return {200, kHtml, RunsPage(*runs)};
}

HttpResponse HttpApi::Style(const Target&) const {
  return {200, kCss, std::string(kRunsPageStyle)};
}

HttpResponse HttpApi::MetricsText(const Target&) const {
  return {200, kPrometheusType, metrics_.Serialize()};
}

HttpResponse HttpApi::Health(const Target&) const { return {200, kTextType, "alive\n"}; }

HttpResponse HttpApi::Readiness(const Target&) const {
  if (!supervisor_.ready()) {
    return {503, kTextType, "not ready\n"};
  }
  return {200, kTextType, "ready\n"};
}

HttpResponse HttpApi::ListRuns(const Target& target) const {
  v1::ListRunsRequest request;
  if (absl::Status status = FillFromQuery(target.query, request); !status.ok()) {
    return Error(status);
  }
  return Json(supervisor_.ListRuns(request));
}

HttpResponse HttpApi::GetRun(const Target& target) const {
  v1::GetRunRequest request;
  request.set_run_id(target.run_id);
  if (absl::Status status = FillFromQuery(target.query, request); !status.ok()) {
    return Error(status);
  }
  return Json(supervisor_.GetRun(request));
}

HttpResponse HttpApi::GetHistory(const Target& target) const {
  v1::GetHistoryRequest request;
  request.set_run_id(target.run_id);
  if (absl::Status status = FillFromQuery(target.query, request); !status.ok()) {
    return Error(status);
  }
  return Json(supervisor_.GetHistory(request));
}

}  // namespace lehr

#include "server/http/http_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/server/lehrd_fixture.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

class HttpApiTest : public LehrdTest {
 protected:
  void SetUp() override {
    Start();
    api_ = std::make_unique<HttpApi>(*supervisor_, *metrics_);
  }

  // The run "digits" with three decisions, of which those of steps 0 and 2 command something.
  void TrainThreeSteps() {
    rank_ = Rank(JoinOf());
    rank_->Report(0, HotLosses());
    rank_->NextDecision();
    rank_->Report(1, {0, 0});
    rank_->NextDecision();
    rank_->Report(2, HotLosses());
    rank_->NextDecision();
  }

  HttpResponse Get(const std::string& path, const std::string& query = "") {
    return api_->Handle({.method = "GET", .path = path, .query = query});
  }

  nlohmann::json GetJson(const std::string& path, const std::string& query = "") {
    const HttpResponse response = Get(path, query);
    EXPECT_EQ(response.code, 200) << response.body;
    EXPECT_EQ(response.content_type, "application/json");
    return nlohmann::json::parse(response.body);
  }

  // The message of the error, whose two codes are checked.
  std::string ErrorOf(const HttpResponse& response, int http_code, const std::string& code) {
    EXPECT_EQ(response.code, http_code);
    EXPECT_EQ(response.content_type, "application/json");
    const auto error = nlohmann::json::parse(response.body);
    EXPECT_EQ(error["code"], code);
    return error["message"];
  }

  std::unique_ptr<TestRank> rank_;
  std::unique_ptr<HttpApi> api_;
};

TEST_F(HttpApiTest, IsAlive) { EXPECT_EQ(Get("/healthz").code, 200); }

TEST_F(HttpApiTest, IsReadyUntilTheShutdownBegins) {
  EXPECT_EQ(Get("/readyz").code, 200);
  supervisor_->BeginShutdown(absl::InfiniteFuture());
  EXPECT_EQ(Get("/readyz").code, 503);
  EXPECT_EQ(Get("/healthz").code, 200);
}

TEST_F(HttpApiTest, ServesMetrics) {
  const HttpResponse response = Get("/metrics");
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("\nlehr_streams 0\n"));
}

TEST_F(HttpApiTest, CountsItsRequestsByRoute) {
  Get("/api/v1/runs/unknown/history");
  Get("/nowhere");
  EXPECT_THAT(Get("/metrics").body,
              HasSubstr("{code=\"404\",path=\"/api/v1/runs/{run_id}/history\"} 1"));
  EXPECT_THAT(Get("/metrics").body, HasSubstr("{code=\"404\",path=\"other\"} 1"));
}

TEST_F(HttpApiTest, ListsRuns) {
  EXPECT_EQ(GetJson("/api/v1/runs"), (nlohmann::json{{"runs", nlohmann::json::array()},
                                                     {"nextPageToken", ""},
                                                     {"actingStopped", false}}));
  TrainThreeSteps();
  const auto runs = GetJson("/api/v1/runs")["runs"];
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0]["runId"], "digits");
}

// In proto3's JSON 64-bit integers are strings, and fields are lowerCamelCase.
TEST_F(HttpApiTest, DescribesARun) {
  TrainThreeSteps();
  const auto run = GetJson("/api/v1/runs/digits")["run"];
  EXPECT_EQ(run["runId"], "digits");
  EXPECT_EQ(run["state"], "RUN_STATE_ACTIVE");
  EXPECT_EQ(run["worldSize"], 1);
  EXPECT_EQ(run["step"], "2");
  EXPECT_EQ(run["observation"]["temperature"], 3.0);
  EXPECT_EQ(run["commands"], "2");
}

TEST_F(HttpApiTest, PrintsZeros) {
  TrainThreeSteps();
  const auto run = GetJson("/api/v1/runs/digits")["run"];
  EXPECT_EQ(run["skipped"], "0");
  EXPECT_EQ(run["breakerOpen"], false);
}

TEST_F(HttpApiTest, TellsHistory) {
  TrainThreeSteps();
  const auto entries = GetJson("/api/v1/runs/digits/history")["entries"];
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0]["decision"]["step"], "0");
  EXPECT_EQ(entries[0]["decision"]["reason"]["code"], "CODE_ACTED");
  EXPECT_EQ(entries[1]["decision"]["reason"]["code"], "CODE_ZERO_STDDEV");
}

TEST_F(HttpApiTest, HistoryTakesItsQuery) {
  TrainThreeSteps();
  const auto commands =
      GetJson("/api/v1/runs/digits/history", "only_commands=true&from_step=1")["entries"];
  ASSERT_EQ(commands.size(), 1u);
  EXPECT_EQ(commands[0]["decision"]["step"], "2");
}

TEST_F(HttpApiTest, HistoryComesInPages) {
  TrainThreeSteps();
  const auto first = GetJson("/api/v1/runs/digits/history", "page_size=2");
  EXPECT_EQ(first["entries"].size(), 2u);
  const auto second =
      GetJson("/api/v1/runs/digits/history",
              "page_size=2&page_token=" + first["nextPageToken"].get<std::string>());
  ASSERT_EQ(second["entries"].size(), 1u);
  EXPECT_EQ(second["entries"][0]["decision"]["step"], "2");
  EXPECT_EQ(second["nextPageToken"], "");
}

TEST_F(HttpApiTest, RefusesBadQueries) {
  EXPECT_THAT(ErrorOf(Get("/api/v1/runs", "page_size=many"), 400, "INVALID_ARGUMENT"),
              HasSubstr("page_size=many"));
  EXPECT_THAT(ErrorOf(Get("/api/v1/runs", "page_size=1001"), 400, "INVALID_ARGUMENT"),
              HasSubstr("1001"));
  EXPECT_THAT(ErrorOf(Get("/", "page_size=many"), 400, "INVALID_ARGUMENT"),
              HasSubstr("page_size=many"));
  EXPECT_THAT(ErrorOf(Get("/api/v1/runs/digits/history", "run_id=x"), 400, "INVALID_ARGUMENT"),
              HasSubstr("run_id"));
}

TEST_F(HttpApiTest, DoesNotKnowEveryRun) {
  EXPECT_THAT(ErrorOf(Get("/api/v1/runs/unknown"), 404, "NOT_FOUND"), HasSubstr("unknown"));
  EXPECT_THAT(ErrorOf(Get("/api/v1/runs/unknown/history"), 404, "NOT_FOUND"), HasSubstr("unknown"));
}

TEST_F(HttpApiTest, RefusesRunIdsOutOfBounds) {
  EXPECT_THAT(ErrorOf(Get("/api/v1/runs/.."), 400, "INVALID_ARGUMENT"), HasSubstr(".."));
}

TEST_F(HttpApiTest, DoesNotKnowEveryPath) {
  for (const char* path : {"/nowhere", "/metrics/", "/api/v1/runs/digits/history/x", "", "//"}) {
    EXPECT_THAT(ErrorOf(Get(path), 404, "NOT_FOUND"), HasSubstr(path));
  }
}

TEST_F(HttpApiTest, OnlyReads) {
  const HttpResponse response = api_->Handle({.method = "DELETE", .path = "/api/v1/runs/digits"});
  EXPECT_THAT(ErrorOf(response, 405, "UNIMPLEMENTED"), HasSubstr("DELETE"));
}

TEST_F(HttpApiTest, ServesThePageAndItsStyle) {
  TrainThreeSteps();
  const HttpResponse page = Get("/");
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr(">digits</a>"));
  EXPECT_EQ(Get("/style.css").content_type, "text/css; charset=utf-8");
}

// A path comes from anybody, and need not be UTF-8.
TEST_F(HttpApiTest, ErrorsAreJsonWhateverThePath) {
  EXPECT_THAT(ErrorOf(Get("/\xff\"\n"), 404, "NOT_FOUND"), HasSubstr("\"\n"));
}

}  // namespace
}  // namespace lehr

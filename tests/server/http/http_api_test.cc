#include "server/http/http_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "tests/server/lehrd_fixture.h"
#include "tests/temporary_folder.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class HttpApiTest : public LehrdTest {
 protected:
  void SetUp() override {
    Start();
    api_ = std::make_unique<HttpApi>(*supervisor_, *metrics_, HttpApi::Options());
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
  const auto acts = GetJson("/api/v1/runs/digits/history", "only_acts=true")["entries"];
  ASSERT_EQ(acts.size(), 2u);
  EXPECT_EQ(acts[0]["decision"]["step"], "0");
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

TEST_F(HttpApiTest, ServesThePageAnew) {
  const HttpResponse page = Get("/");
  EXPECT_EQ(page.code, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(page.cache_control, "no-cache");
  EXPECT_THAT(page.body, HasSubstr("<!doctype html>"));
  EXPECT_EQ(Get("/index.html").code, 404);
}

// What the page loads has a hash in its name: it may be kept for good.
TEST_F(HttpApiTest, ServesWhatThePageLoads) {
  const std::string page = Get("/").body;
  const size_t begin = page.find("assets/index-");
  ASSERT_NE(begin, std::string::npos);
  const HttpResponse asset = Get("/" + page.substr(begin, page.find('"', begin) - begin));
  EXPECT_EQ(asset.code, 200);
  EXPECT_THAT(asset.cache_control, HasSubstr("immutable"));
  EXPECT_FALSE(asset.body.empty());
}

TEST_F(HttpApiTest, APageThatIsTheSameIsNotSentAgain) {
  const HttpResponse page = Get("/");
  ASSERT_EQ(page.headers[0].first, "ETag");
  const HttpResponse again =
      api_->Handle({.method = "GET", .path = "/", .if_none_match = page.headers[0].second});
  EXPECT_EQ(again.code, 304);
  EXPECT_EQ(again.body, "");
}

TEST_F(HttpApiTest, TellsWhatItIs) {
  EXPECT_EQ(GetJson("/api/v1/about"),
            (nlohmann::json{{"version", LEHR_VERSION}, {"writable", false}}));
}

TEST_F(HttpApiTest, OverviewTellsOfRunsInShort) {
  TrainThreeSteps();
  const auto overview = GetJson("/api/v1/overview");
  EXPECT_EQ(overview["actingStopped"], false);
  ASSERT_EQ(overview["runs"].size(), 1u);
  const auto& run = overview["runs"][0];
  EXPECT_EQ(run["runId"], "digits");
  EXPECT_EQ(run["state"], "RUN_STATE_ACTIVE");
  EXPECT_EQ(run["condition"], "RUN_CONDITION_PERTURBED");
  EXPECT_EQ(run["conditionStep"], "0");
  EXPECT_EQ(run["step"], "2");
  EXPECT_EQ(run["temperature"], 3);
  EXPECT_EQ(run["commands"], "2");
  EXPECT_EQ(run["noiseStddev"], 3);
  EXPECT_EQ(run["lastActedStep"], "2");
  EXPECT_EQ(run["lossBeforeAct"], 1.5);
  EXPECT_EQ(run["lossNow"], 1);
  EXPECT_EQ(run["policy"], "error_driven");
  EXPECT_EQ(run["sparkline"]["temperature"], (nlohmann::json{3, 0, 3}));
  EXPECT_EQ(run["sparkline"]["mean"], (nlohmann::json{1.5, 0, 1.5}));
  EXPECT_EQ(run["sparkline"]["acted"], (nlohmann::json{1, 0, 1}));
  EXPECT_EQ(run["sparkline"]["lastStep"], "2");
}

TEST_F(HttpApiTest, TheShareThatTiesIsLeftOutWhereNobodyCanTell) {
  rank_ = Rank(JoinOf());
  rank_->Report(0, std::vector<float>(16, 0.7f));
  rank_->NextDecision();
  EXPECT_EQ(GetJson("/api/v1/overview")["runs"][0]["tiedShare"], 1);
  EXPECT_EQ(GetJson("/api/v1/runs/digits")["run"]["observation"]["tiedShare"], 1);
  rank_->Report(1, {0.5f, 0.5f});
  rank_->NextDecision();
  EXPECT_FALSE(GetJson("/api/v1/overview")["runs"][0].contains("tiedShare"));
  EXPECT_FALSE(GetJson("/api/v1/runs/digits")["run"]["observation"].contains("tiedShare"));
}

TEST_F(HttpApiTest, OverviewSaysHowRunsEnd) {
  TrainThreeSteps();
  rank_->Vanish();
  const auto condition = [&] { return GetJson("/api/v1/overview")["runs"][0]["condition"]; };
  while (DescribeRun().connected() > 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(condition(), "RUN_CONDITION_SILENT");
  v1::EndRunRequest end;
  end.set_run_id("digits");
  ASSERT_TRUE(supervisor_->EndRun(end).ok());
  EXPECT_EQ(condition(), "RUN_CONDITION_ENDED");
}

// From the journal, as far as it goes.
TEST_F(HttpApiTest, OverviewIsTheSameAfterARestart) {
  TrainThreeSteps();
  rank_->Leave();
  while (DescribeRun().state() != v1::RUN_STATE_LEFT) {
    std::this_thread::yield();
  }
  auto before = GetJson("/api/v1/overview")["runs"][0];
  api_.reset();
  Stop();
  Start();
  api_ = std::make_unique<HttpApi>(*supervisor_, *metrics_, HttpApi::Options());
  auto after = GetJson("/api/v1/overview")["runs"][0];
  // The stream of a rank that has left may end a little later.
  before.erase("connected");
  after.erase("connected");
  EXPECT_EQ(after, before);
}

TEST_F(HttpApiTest, SeriesComesInColumns) {
  TrainThreeSteps();
  ASSERT_TRUE(journal_->Flush(absl::Now() + absl::Seconds(30)).ok());
  const auto series = GetJson("/api/v1/runs/digits/series");
  EXPECT_EQ(series["generation"], "1");
  EXPECT_EQ(series["firstStep"], (nlohmann::json{"0", "1", "2"}));
  EXPECT_EQ(series["temperature"]["max"], (nlohmann::json{3, 0, 3}));
  EXPECT_EQ(series["p10"]["last"], (nlohmann::json{0, 0, 0}));
  EXPECT_EQ(series["p50"]["min"], (nlohmann::json{0, 0, 0}));
  EXPECT_EQ(series["p90"]["max"], (nlohmann::json{3, 0, 3}));
  // Of two losses nobody can tell.
  EXPECT_EQ(series["tiedShare"]["max"], (nlohmann::json{0, 0, 0}));
  EXPECT_EQ(series["stddev"]["last"], (nlohmann::json{3, 0, 3}));
  EXPECT_EQ(series["perturbations"], (nlohmann::json{1, 0, 1}));
  EXPECT_EQ(series["measured"], (nlohmann::json{1, 1, 1}));
  const auto one = GetJson("/api/v1/runs/digits/series", "points=1&from_step=1&to_step=2");
  EXPECT_EQ(one["firstStep"], nlohmann::json::array({"1"}));
  EXPECT_EQ(one["lastStep"], nlohmann::json::array({"2"}));
  EXPECT_EQ(one["decisions"], nlohmann::json::array({2}));
  EXPECT_EQ(one["temperature"]["max"], nlohmann::json::array({3}));
}

TEST_F(HttpApiTest, SeriesOfWhatIsNotDurableYetIsEmpty) {
  commit_interval_ = absl::InfiniteDuration();
  Crash();
  Start();
  api_ = std::make_unique<HttpApi>(*supervisor_, *metrics_, HttpApi::Options());
  rank_ = Rank(JoinOf());
  EXPECT_EQ(GetJson("/api/v1/runs/digits/series")["firstStep"], nlohmann::json::array());
}

TEST_F(HttpApiTest, RefusesBadSeriesQueries) {
  TrainThreeSteps();
  const std::string path = "/api/v1/runs/digits/series";
  for (const char* query : {"points=4001", "from_step=-1", "from_step=5&to_step=4", "to_step=-2",
                            "points=-1", "from_step=4611686018427387904", "step=3"}) {
    ErrorOf(Get(path, query), 400, "INVALID_ARGUMENT");
  }
  EXPECT_THAT(ErrorOf(Get(path, "points=4001"), 400, "INVALID_ARGUMENT"), HasSubstr("4001"));
  EXPECT_THAT(ErrorOf(Get(path, "from_step=5&to_step=4"), 400, "INVALID_ARGUMENT"),
              HasSubstr("to_step is 4"));
}

TEST_F(HttpApiTest, ListsRanks) {
  v1::Join join = JoinOf();
  join.set_world_size(3);
  rank_ = Rank(join);
  const auto response = GetJson("/api/v1/runs/digits/ranks", "page_size=2");
  ASSERT_EQ(response["ranks"].size(), 2u);
  EXPECT_EQ(response["generation"], "1");
  EXPECT_EQ(response["nextPageToken"], "2");
  EXPECT_EQ(response["ranks"][0]["connected"], true);
  EXPECT_EQ(response["ranks"][0]["step"], "-1");
  EXPECT_EQ(response["ranks"][0]["behindSidecar"], false);
  EXPECT_TRUE(response["ranks"][0].contains("lastSeen"));
  EXPECT_EQ(response["ranks"][1]["joined"], false);
  EXPECT_FALSE(response["ranks"][1].contains("lastSeen"));
  const auto rest = GetJson("/api/v1/runs/digits/ranks", "page_token=2");
  ASSERT_EQ(rest["ranks"].size(), 1u);
  EXPECT_EQ(rest["ranks"][0]["rank"], 2);
  EXPECT_EQ(rest["nextPageToken"], "");
  EXPECT_EQ(GetJson("/api/v1/runs/digits/ranks", "page_token=99")["ranks"].size(), 0u);
  EXPECT_THAT(ErrorOf(Get("/api/v1/runs/digits/ranks", "page_token=x"), 400, "INVALID_ARGUMENT"),
              HasSubstr("\"x\""));
  EXPECT_THAT(ErrorOf(Get("/api/v1/runs/digits/ranks", "page_size=10001"), 400, "INVALID_ARGUMENT"),
              HasSubstr("10001"));
}

TEST_F(HttpApiTest, HistoryBeginsWithTheNewestWhereItIsAskedTo) {
  TrainThreeSteps();
  const auto first = GetJson("/api/v1/runs/digits/history", "newest_first=true&page_size=2");
  EXPECT_EQ(first["entries"][0]["decision"]["step"], "2");
  EXPECT_EQ(first["entries"][1]["decision"]["step"], "1");
  const auto second =
      GetJson("/api/v1/runs/digits/history", "newest_first=true&page_size=2&page_token=" +
                                                 first["nextPageToken"].get<std::string>());
  ASSERT_EQ(second["entries"].size(), 1u);
  EXPECT_EQ(second["entries"][0]["decision"]["step"], "0");
}

TEST_F(HttpApiTest, RefusesTokensThatNoPageGaveOut) {
  TrainThreeSteps();
  for (const char* token : {"1:-1", "1:9223372036854775807", "9223372036854775808:1", "1", "a:b"}) {
    EXPECT_THAT(ErrorOf(Get("/api/v1/runs/digits/history", std::string("page_token=") + token), 400,
                        "INVALID_ARGUMENT"),
                HasSubstr(token));
  }
}

TEST_F(HttpApiTest, NoRouteKnowsEveryRunOrMethod) {
  for (const char* route : {"/series", "/ranks", "/history", "/events", ""}) {
    EXPECT_THAT(ErrorOf(Get(std::string("/api/v1/runs/unknown") + route), 404, "NOT_FOUND"),
                HasSubstr("unknown"));
  }
  for (const char* path : {"/", "/api/v1/overview", "/api/v1/events", "/api/v1/about",
                           "/api/v1/runs/x/series", "/api/v1/runs/x/ranks"}) {
    const HttpResponse response = api_->Handle({.method = "PUT", .path = path});
    EXPECT_THAT(ErrorOf(response, 405, "UNIMPLEMENTED"), HasSubstr("PUT"));
    EXPECT_THAT(response.headers, ElementsAre(Pair("Allow", "GET, HEAD")));
  }
}

// As a page does that has the token.
class HttpChangeTest : public HttpApiTest {
 protected:
  void SetUp() override {
    HttpApiTest::SetUp();
    std::ofstream(folder_.Path("token")) << "0123456789abcdef\n";
    api_ = std::make_unique<HttpApi>(
        *supervisor_, *metrics_,
        HttpApi::Options{.token = *BearerToken::Read(folder_.Path("token"))});
    TrainThreeSteps();
  }

  HttpRequest Change(const std::string& path, const std::string& body) {
    return {.method = "POST",
            .path = path,
            .authorization = "Bearer 0123456789abcdef",
            .content_type = "application/json; charset=utf-8",
            .read_body = [body](size_t most) -> absl::StatusOr<std::string> {
              return body.size() > most ? absl::StatusOr<std::string>(
                                              absl::OutOfRangeError("the body is too long"))
                                        : body;
            }};
  }
  nlohmann::json Post(const std::string& path, const std::string& body) {
    const HttpResponse response = api_->Handle(Change(path, body));
    EXPECT_EQ(response.code, 200) << response.body;
    return nlohmann::json::parse(response.body);
  }

  TemporaryFolder folder_;
};

TEST_F(HttpChangeTest, SaysThatItIsPossible) {
  EXPECT_EQ(GetJson("/api/v1/about")["writable"], true);
}

TEST_F(HttpChangeTest, ChangesPolicyAndGuards) {
  const auto response =
      Post("/api/v1/runs/digits/policy",
           R"({"policy": {"errorDriven": {"baseNoiseLevel": 0.5}, "observe": true},
               "guards": {"cooldownSteps": 7}})");
  EXPECT_EQ(response["fromStep"], "3");
  const v1::RunSettings settings = DescribeRun().settings();
  EXPECT_TRUE(settings.policy().observe());
  EXPECT_EQ(settings.guards().cooldown_steps(), 7);
}

TEST_F(HttpChangeTest, StopsActingAndEndsRuns) {
  EXPECT_EQ(Post("/api/v1/stop-acting", R"({"stop": true})")["actingStopped"], true);
  EXPECT_TRUE(supervisor_->runs().acting_stopped());
  EXPECT_EQ(Post("/api/v1/runs/digits/end", "{}")["run"]["state"], "RUN_STATE_ENDED");
  EXPECT_EQ(DescribeRun().state(), v1::RUN_STATE_ENDED);
}

TEST_F(HttpChangeTest, NeedsThePOSTMethod) {
  for (const char* path :
       {"/api/v1/runs/digits/policy", "/api/v1/runs/digits/end", "/api/v1/stop-acting"}) {
    HttpRequest request = Change(path, "{}");
    request.method = "GET";
    const HttpResponse response = api_->Handle(request);
    ErrorOf(response, 405, "UNIMPLEMENTED");
    EXPECT_THAT(response.headers, ElementsAre(Pair("Allow", "POST")));
  }
}

TEST_F(HttpChangeTest, NeedsTheToken) {
  HttpRequest request = Change("/api/v1/runs/digits/end", "{}");
  request.read_body = [](size_t) -> absl::StatusOr<std::string> {
    ADD_FAILURE() << "the body of a stranger is read";
    return std::string();
  };
  for (const char* authorization : {"", "Bearer 0123456789abcdee", "Basic 0123456789abcdef"}) {
    request.authorization = authorization;
    const HttpResponse response = api_->Handle(request);
    ErrorOf(response, 401, "UNAUTHENTICATED");
    EXPECT_EQ(response.headers[0].first, "WWW-Authenticate");
  }
  EXPECT_EQ(DescribeRun().state(), v1::RUN_STATE_ACTIVE);
}

TEST_F(HttpChangeTest, IsForbiddenWithoutATokenFile) {
  api_ = std::make_unique<HttpApi>(*supervisor_, *metrics_, HttpApi::Options());
  EXPECT_THAT(
      ErrorOf(api_->Handle(Change("/api/v1/runs/digits/end", "{}")), 403, "PERMISSION_DENIED"),
      HasSubstr("--http_token_file"));
  EXPECT_EQ(DescribeRun().state(), v1::RUN_STATE_ACTIVE);
}

TEST_F(HttpChangeTest, RefusesBadBodies) {
  HttpRequest form = Change("/api/v1/stop-acting", "stop=true");
  form.content_type = "application/x-www-form-urlencoded";
  EXPECT_THAT(ErrorOf(api_->Handle(form), 415, "INVALID_ARGUMENT"),
              HasSubstr("application/x-www-form-urlencoded"));
  ErrorOf(api_->Handle(Change("/api/v1/stop-acting", std::string(kMaxBody + 1, ' '))), 413,
          "OUT_OF_RANGE");
  const std::string policy = "/api/v1/runs/digits/policy";
  const std::pair<std::string, std::string> bad[] = {
      {"", "SetPolicyRequest"},
      {"{", "SetPolicyRequest"},
      {"[]", "SetPolicyRequest"},
      {R"({"polcy": {}})", "polcy"},
      {R"({"guards": {"cooldownSteps": "many"}})", "many"},
      {R"({"runId": "other"})", "other"},
      {R"({"policy": {"errorDriven": {"baseNoiseLevel": -1}}})", "-1"},
      {R"({"guards": {"maxStddev": 0}})", "max_stddev"},
  };
  for (const auto& [body, named] : bad) {
    EXPECT_THAT(ErrorOf(api_->Handle(Change(policy, body)), 400, "INVALID_ARGUMENT"),
                HasSubstr(named));
  }
  ErrorOf(api_->Handle(Change("/api/v1/runs/unknown/end", "{}")), 404, "NOT_FOUND");
  EXPECT_FALSE(supervisor_->runs().acting_stopped());
  EXPECT_FALSE(DescribeRun().settings().policy().observe());
}

// A path comes from anybody, and need not be UTF-8.
TEST_F(HttpApiTest, ErrorsAreJsonWhateverThePath) {
  EXPECT_THAT(ErrorOf(Get("/\xff\"\n"), 404, "NOT_FOUND"), HasSubstr("\"\n"));
}

}  // namespace
}  // namespace lehr

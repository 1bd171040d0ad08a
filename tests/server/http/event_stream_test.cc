// Streams of events, of all runs and of one, as a client reads them.
#include "server/http/event_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "server/http/http_api.h"
#include "tests/server/lehrd_fixture.h"

namespace lehr {
namespace {

struct Event {
  std::string name;
  nlohmann::json data;
};

// Reads a stream in a thread of its own until the stream ends or this does.
class Client {
 public:
  explicit Client(HttpResponse response)
      : response_(std::move(response)), thread_([this] {
          response_.stream([this](std::string_view piece) { return Take(piece); });
          absl::MutexLock lock(&mutex_);
          ended_ = true;
        }) {}
  ~Client() {
    {
      absl::MutexLock lock(&mutex_);
      gone_ = true;
    }
    thread_.join();
  }

  // The next event that fits, or one without a name if the stream ends or that takes too long.
  Event Next(const std::function<bool(const Event&)>& fits) {
    absl::MutexLock lock(&mutex_);
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    const auto some = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return ended_ || !events_.empty();
    };
    while (mutex_.AwaitWithDeadline(absl::Condition(&some), deadline) && !events_.empty()) {
      Event event = std::move(events_.front());
      events_.pop_front();
      if (fits(event)) {
        return event;
      }
    }
    return {};
  }
  Event Next(const std::string& name) {
    return Next([&](const Event& event) { return event.name == name; });
  }

  bool AwaitEnd() {
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&ended_), absl::Seconds(30));
  }

 private:
  bool Take(std::string_view piece) {
    absl::MutexLock lock(&mutex_);
    text_ += piece;
    for (size_t end; (end = text_.find("\n\n")) != std::string::npos; text_.erase(0, end + 2)) {
      const std::vector<std::string> lines = absl::StrSplit(text_.substr(0, end), '\n');
      if (lines.size() == 2) {
        events_.push_back({lines[0].substr(7), nlohmann::json::parse(lines[1].substr(6))});
      }
    }
    return !gone_;
  }

  const HttpResponse response_;
  absl::Mutex mutex_;
  std::string text_ ABSL_GUARDED_BY(mutex_);
  std::deque<Event> events_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

class EventStreamTest : public LehrdTest {
 protected:
  void SetUp() override {
    Start();
    api_ = std::make_unique<HttpApi>(*supervisor_, *metrics_,
                                     HttpApi::Options{.max_event_clients = 3});
  }

  HttpResponse Get(const std::string& path) {
    return api_->Handle({.method = "GET", .path = path});
  }
  std::unique_ptr<Client> Follow(const std::string& path) {
    HttpResponse response = Get(path);
    EXPECT_EQ(response.code, 200) << response.body;
    EXPECT_EQ(response.content_type, "text/event-stream");
    return std::make_unique<Client>(std::move(response));
  }
  std::unique_ptr<TestRank> RankOf(const std::string& run_id) {
    v1::Join join = JoinOf();
    join.set_run_id(run_id);
    return Rank(join);
  }

  std::unique_ptr<HttpApi> api_;
};

TEST_F(EventStreamTest, AllRunsFirstAndThenWhatChanges) {
  const auto quiet = RankOf("quiet");
  const auto busy = RankOf("busy");
  const auto client = Follow("/api/v1/events");
  EXPECT_EQ(client->Next("overview").data["runs"].size(), 2);
  busy->Report(0, HotLosses());
  busy->NextDecision();
  const Event event = client->Next([](const Event& e) {
    return e.name == "changed" && std::any_of(e.data["runs"].begin(), e.data["runs"].end(),
                                              [](const auto& run) { return run["step"] == "0"; });
  });
  EXPECT_EQ(event.name, "changed");
  // What has changed no more is not told again.
  busy->Report(1, {0, 0});
  busy->NextDecision();
  const Event next = client->Next([](const Event& e) { return e.data["runs"][0]["step"] == "1"; });
  ASSERT_EQ(next.name, "changed");
  ASSERT_EQ(next.data["runs"].size(), 1);
  EXPECT_EQ(next.data["runs"][0]["runId"], "busy");
  EXPECT_EQ(next.data["runs"][0]["temperature"], 0);
}

TEST_F(EventStreamTest, EveryClientGetsEveryChange) {
  const auto first = Follow("/api/v1/events");
  const auto second = Follow("/api/v1/events");
  const auto rank = RankOf("digits");
  for (const auto& client : {first.get(), second.get()}) {
    EXPECT_EQ(
        client->Next([](const Event& e) { return e.name == "changed" && !e.data["runs"].empty(); })
            .data["runs"][0]["runId"],
        "digits");
  }
}

TEST_F(EventStreamTest, TellsThatActingWasStopped) {
  const auto client = Follow("/api/v1/events");
  EXPECT_EQ(client->Next("overview").data["actingStopped"], false);
  v1::StopActingRequest stop;
  stop.set_stop(true);
  ASSERT_TRUE(supervisor_->StopActing(stop).ok());
  EXPECT_EQ(client->Next([](const Event& e) { return e.data["actingStopped"] == true; }).name,
            "changed");
}

TEST_F(EventStreamTest, ARunAndItsDecisions) {
  const auto rank = RankOf("digits");
  const auto client = Follow("/api/v1/runs/digits/events");
  EXPECT_EQ(client->Next("run").data["run"]["runId"], "digits");
  rank->Report(0, HotLosses());
  rank->Report(1, {0, 0});
  int64_t step = 0;
  while (step < 2) {
    const Event event = client->Next("decisions");
    ASSERT_EQ(event.name, "decisions");
    for (const auto& entry : event.data["entries"]) {
      EXPECT_EQ(entry["decision"]["step"], std::to_string(step));
      ++step;
    }
  }
  EXPECT_EQ(client->Next([](const Event& e) { return e.data["run"]["step"] == "1"; }).name, "run");
}

TEST_F(EventStreamTest, ARunThatEndsIsGone) {
  const auto rank = RankOf("digits");
  const auto client = Follow("/api/v1/runs/digits/events");
  rank->Leave();
  EXPECT_EQ(
      client->Next([](const Event& e) { return e.data["run"]["state"] == "RUN_STATE_LEFT"; }).name,
      "run");
  EXPECT_EQ(client->Next("gone").name, "gone");
  EXPECT_TRUE(client->AwaitEnd());
  const auto late = Follow("/api/v1/runs/digits/events");
  EXPECT_EQ(late->Next("run").name, "run");
  EXPECT_EQ(late->Next("gone").name, "gone");
}

TEST_F(EventStreamTest, AnUnknownRunIsNotFound) {
  EXPECT_EQ(Get("/api/v1/runs/unknown/events").code, 404);
  EXPECT_EQ(Get("/api/v1/runs/../events").code, 400);
}

TEST_F(EventStreamTest, ClientsBeyondTheMostAreToComeBack) {
  const auto rank = RankOf("digits");
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(Follow(i == 0 ? "/api/v1/runs/digits/events" : "/api/v1/events"));
  }
  for (const char* path : {"/api/v1/events", "/api/v1/runs/digits/events"}) {
    const HttpResponse response = Get(path);
    EXPECT_EQ(response.code, 503);
    EXPECT_EQ(nlohmann::json::parse(response.body)["code"], "UNAVAILABLE");
    EXPECT_EQ(response.headers[0].first, "Retry-After");
  }
  EXPECT_EQ(Get("/metrics").code, 200);
  clients.pop_back();
  // A client that is gone gives its place back at the next write.
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (Get("/api/v1/events").code != 200 && absl::Now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_EQ(Get("/api/v1/events").code, 200);
}

TEST_F(EventStreamTest, EndsWhenTheServerStops) {
  const auto rank = RankOf("digits");
  const auto all = Follow("/api/v1/events");
  const auto one = Follow("/api/v1/runs/digits/events");
  const absl::Time start = absl::Now();
  api_->StopEvents();
  EXPECT_TRUE(all->AwaitEnd());
  EXPECT_TRUE(one->AwaitEnd());
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
  EXPECT_EQ(one->Next("gone").name, "");
}

}  // namespace
}  // namespace lehr

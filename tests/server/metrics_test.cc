#include "server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;

// The value of a series such as `lehr_streams` or `lehr_decisions_total{reason="acted"}`.
std::optional<double> Value(const Metrics& metrics, const std::string& series) {
  for (const absl::string_view line : absl::StrSplit(metrics.Serialize(), '\n')) {
    double value;
    if (absl::StartsWith(line, series + " ") &&
        absl::SimpleAtod(line.substr(series.size() + 1), &value)) {
      return value;
    }
  }
  return std::nullopt;
}

std::vector<std::string> RunLines(const Metrics& metrics) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(metrics.Serialize(), '\n')) {
    if (absl::StartsWith(line, "lehr_run_")) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

v1::Decision ActingDecision() {
  v1::Decision decision;
  decision.set_generation(2);
  decision.set_step(41);
  decision.mutable_reason()->set_code(v1::Reason::CODE_ACTED);
  decision.mutable_observation()->set_count(16);
  decision.mutable_observation()->set_temperature(0.25);
  decision.mutable_observation()->set_mean(0.5);
  decision.mutable_observation()->set_nan_losses(3);
  decision.mutable_observation()->set_infinite_losses(2);
  decision.mutable_observation()->set_negative_losses(1);
  decision.add_actions()->mutable_perturb()->set_stddev(0.125f);
  return decision;
}

void Decide(Metrics& metrics, std::string_view run_id, const v1::Decision& decision,
            const RunStatus& status = {}) {
  metrics.DecisionMade(run_id, decision, status, absl::Milliseconds(20), absl::Microseconds(30));
}

TEST(MetricsTest, StreamsRiseAndFall) {
  Metrics metrics(1);
  metrics.StreamOpened();
  metrics.StreamOpened();
  metrics.StreamClosed();
  EXPECT_THAT(Value(metrics, "lehr_streams"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_streams_opened_total"), Optional(2));
}

TEST(MetricsTest, ReportsAreCountedWithTheirLosses) {
  Metrics metrics(1);
  metrics.ReportReceived(128);
  metrics.ReportReceived(0);
  EXPECT_THAT(Value(metrics, "lehr_report_messages_total"), Optional(2));
  EXPECT_THAT(Value(metrics, "lehr_losses_total"), Optional(128));
}

TEST(MetricsTest, RefusalsAreCountedByCode) {
  Metrics metrics(1);
  metrics.ReportRefused(v1::Refused::CODE_OUTSIDE_WINDOW);
  EXPECT_THAT(Value(metrics, "lehr_reports_refused_total{code=\"outside_window\"}"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_reports_refused_total{code=\"invalid\"}"), Optional(0));
}

TEST(MetricsTest, DecisionsAreCountedByReason) {
  Metrics metrics(1);
  Decide(metrics, "xor", ActingDecision());
  v1::Decision balanced;
  balanced.mutable_reason()->set_code(v1::Reason::CODE_BALANCED);
  Decide(metrics, "xor", balanced);
  EXPECT_THAT(Value(metrics, "lehr_decisions_total{reason=\"acted\"}"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_decisions_total{reason=\"balanced\"}"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_commands_total"), Optional(1));
}

TEST(MetricsTest, LossesLeftOutAreCountedByReason) {
  Metrics metrics(1);
  Decide(metrics, "xor", ActingDecision());
  metrics.LateReport(7);
  EXPECT_THAT(Value(metrics, "lehr_losses_left_out_total{reason=\"nan\"}"), Optional(3));
  EXPECT_THAT(Value(metrics, "lehr_losses_left_out_total{reason=\"infinite\"}"), Optional(2));
  EXPECT_THAT(Value(metrics, "lehr_losses_left_out_total{reason=\"negative\"}"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_losses_left_out_total{reason=\"late\"}"), Optional(7));
}

TEST(MetricsTest, DurationsAreInSeconds) {
  Metrics metrics(1);
  Decide(metrics, "xor", ActingDecision());
  metrics.JournalCommitted(/*records=*/5, absl::Milliseconds(4));
  EXPECT_THAT(Value(metrics, "lehr_barrier_wait_seconds_sum"), Optional(0.02));
  EXPECT_THAT(Value(metrics, "lehr_decision_latency_seconds_sum"), Optional(30e-6));
  EXPECT_THAT(Value(metrics, "lehr_journal_commit_seconds_sum"), Optional(0.004));
  EXPECT_THAT(Value(metrics, "lehr_journal_commit_seconds_bucket{le=\"0.005\"}"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_journal_records_total"), Optional(5));
}

// A sum that took one infinity would stay infinite, and a sum that sinks looks like a restart.
TEST(MetricsTest, DurationsThatAreNoneAreLeftOut) {
  Metrics metrics(1);
  metrics.JournalCommitted(/*records=*/1, absl::InfiniteDuration());
  metrics.JournalCommitted(/*records=*/1, -absl::InfiniteDuration());
  metrics.JournalCommitted(/*records=*/1, absl::Seconds(-1));
  EXPECT_THAT(Value(metrics, "lehr_journal_commit_seconds_sum"), Optional(0));
  EXPECT_THAT(Value(metrics, "lehr_journal_commit_seconds_count"), Optional(1));
}

TEST(MetricsTest, OutcomesConflictsGenerationsAndRequestsAreCounted) {
  Metrics metrics(1);
  metrics.OutcomeReported(v1::CommandOutcome::RESULT_EXPIRED);
  metrics.ConflictSeen();
  metrics.GenerationOpened();
  metrics.HttpRequest("/metrics", 200);
  EXPECT_THAT(Value(metrics, "lehr_command_outcomes_total{result=\"expired\"}"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_report_conflicts_total"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_generations_opened_total"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_http_requests_total{code=\"200\",path=\"/metrics\"}"),
              Optional(1));
}

TEST(MetricsTest, RunSeriesFollowTheNewestDecision) {
  Metrics metrics(1);
  metrics.RankConnected("xor", {.connected = 1});
  v1::Decision decision = ActingDecision();
  decision.mutable_observation()->set_p10(0.125);
  decision.mutable_observation()->set_p50(0.25);
  decision.mutable_observation()->set_p90(2);
  decision.mutable_observation()->set_tied_share(0.75);
  decision.mutable_observation()->set_dead_examples(3);
  decision.mutable_observation()->add_dead()->set_example_id(12345);
  Decide(metrics, "xor", decision);
  EXPECT_THAT(Value(metrics, "lehr_run_dead_examples{run=\"xor\"}"), Optional(3));
  EXPECT_THAT(metrics.Serialize(), Not(HasSubstr("12345")));
  EXPECT_THAT(Value(metrics, "lehr_run_temperature{run=\"xor\"}"), Optional(0.25));
  EXPECT_THAT(Value(metrics, "lehr_run_mean_loss{run=\"xor\"}"), Optional(0.5));
  EXPECT_THAT(Value(metrics, "lehr_run_p10_loss{run=\"xor\"}"), Optional(0.125));
  EXPECT_THAT(Value(metrics, "lehr_run_median_loss{run=\"xor\"}"), Optional(0.25));
  EXPECT_THAT(Value(metrics, "lehr_run_p90_loss{run=\"xor\"}"), Optional(2));
  EXPECT_THAT(Value(metrics, "lehr_run_tied_share{run=\"xor\"}"), Optional(0.75));
  EXPECT_THAT(Value(metrics, "lehr_run_noise_stddev{run=\"xor\"}"), Optional(0.125));
  EXPECT_THAT(Value(metrics, "lehr_run_generation{run=\"xor\"}"), Optional(2));
  EXPECT_THAT(Value(metrics, "lehr_run_step{run=\"xor\"}"), Optional(41));
  Decide(metrics, "xor", v1::Decision());
  EXPECT_THAT(Value(metrics, "lehr_run_noise_stddev{run=\"xor\"}"), Optional(0));
}

TEST(MetricsTest, WhereReportsAreTooSmallToTellTheTiedShareIsNoNumber) {
  Metrics metrics(1);
  metrics.RankConnected("xor", {.connected = 1});
  v1::Decision decision = ActingDecision();
  decision.mutable_observation()->set_tied_share(0);
  Decide(metrics, "xor", decision);
  EXPECT_THAT(Value(metrics, "lehr_run_tied_share{run=\"xor\"}"), Optional(0));
  decision.mutable_observation()->clear_tied_share();
  Decide(metrics, "xor", decision);
  EXPECT_THAT(Value(metrics, "lehr_run_tied_share{run=\"xor\"}"),
              Optional(testing::NanSensitiveDoubleEq(std::numeric_limits<double>::quiet_NaN())));
}

TEST(MetricsTest, RunSeriesCountConnectedRanks) {
  Metrics metrics(1);
  metrics.RankConnected("xor", {.connected = 2});
  EXPECT_THAT(Value(metrics, "lehr_run_connected_ranks{run=\"xor\"}"), Optional(2));
  metrics.RankDisconnected("xor", {.connected = 1});
  EXPECT_THAT(Value(metrics, "lehr_run_connected_ranks{run=\"xor\"}"), Optional(1));
}

TEST(MetricsTest, RunSeriesSayHowTheRunIs) {
  Metrics metrics(1);
  RunStatus status = {.connected = 3,
                      .world_size = 4,
                      .commands = 7,
                      .last_seen = absl::FromUnixMillis(1'800'000'000'500)};
  metrics.RankConnected("xor", status);
  EXPECT_THAT(Value(metrics, "lehr_run_world_size{run=\"xor\"}"), Optional(4));
  // As the journal had it: a restart is no reset.
  EXPECT_THAT(Value(metrics, "lehr_run_commands_total{run=\"xor\"}"), Optional(7));
  EXPECT_THAT(Value(metrics, "lehr_run_breaker_open{run=\"xor\"}"), Optional(0));
  EXPECT_THAT(Value(metrics, "lehr_run_last_seen_timestamp_seconds{run=\"xor\"}"),
              Optional(1'800'000'000.5));
  status.commands = 8;
  status.breaker_open = true;
  Decide(metrics, "xor", ActingDecision(), status);
  EXPECT_THAT(Value(metrics, "lehr_run_commands_total{run=\"xor\"}"), Optional(8));
  EXPECT_THAT(Value(metrics, "lehr_run_breaker_open{run=\"xor\"}"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_run_replicas_differ{run=\"xor\"}"), Optional(0));
  status.replicas_differ = true;
  metrics.ReplicasDiffer("xor", status);
  EXPECT_THAT(Value(metrics, "lehr_run_replicas_differ{run=\"xor\"}"), Optional(1));
  EXPECT_THAT(Value(metrics, "lehr_replica_differences_total"), Optional(1));
}

// A zero would look like a run that has learned everything.
TEST(MetricsTest, ADecisionWithoutLossesLeavesTheMeasurementsAlone) {
  Metrics metrics(1);
  metrics.RankConnected("xor", {.connected = 1});
  EXPECT_THAT(metrics.Serialize(), HasSubstr("lehr_run_mean_loss{run=\"xor\"} Nan\n"));
  Decide(metrics, "xor", ActingDecision());
  v1::Decision nothing;
  nothing.set_generation(2);
  nothing.set_step(42);
  Decide(metrics, "xor", nothing);
  EXPECT_THAT(Value(metrics, "lehr_run_step{run=\"xor\"}"), Optional(42));
  EXPECT_THAT(Value(metrics, "lehr_run_mean_loss{run=\"xor\"}"), Optional(0.5));
  EXPECT_THAT(Value(metrics, "lehr_run_temperature{run=\"xor\"}"), Optional(0.25));
}

TEST(MetricsTest, ARunIsStalledUntilItIsBetterThanBeforeTheStall) {
  Metrics metrics(1);
  metrics.RankConnected("xor", {.connected = 1});
  v1::Decision decision = ActingDecision();
  const auto stalled_after = [&](double mean, v1::Reason::Code code) {
    decision.set_step(decision.step() + 1);
    decision.mutable_observation()->set_mean(mean);
    decision.mutable_reason()->set_code(code);
    Decide(metrics, "xor", decision);
    return Value(metrics, "lehr_run_stalled{run=\"xor\"}");
  };
  EXPECT_THAT(stalled_after(1, v1::Reason::CODE_IMPROVING), Optional(0));
  EXPECT_THAT(stalled_after(1, v1::Reason::CODE_STALL_FLAT), Optional(1));
  EXPECT_THAT(stalled_after(1.5, v1::Reason::CODE_IMPROVING), Optional(1));
  EXPECT_THAT(stalled_after(0.995, v1::Reason::CODE_IMPROVING), Optional(1));
  EXPECT_THAT(stalled_after(0.98, v1::Reason::CODE_KEEPS_BEST), Optional(0));
  EXPECT_THAT(stalled_after(0.98, v1::Reason::CODE_STALL_BOUND), Optional(1));
  EXPECT_THAT(stalled_after(0.9, v1::Reason::CODE_NOTHING_DEAD), Optional(0));
  EXPECT_THAT(stalled_after(0.9, v1::Reason::CODE_STALL_DEAD), Optional(1));
  decision.set_generation(decision.generation() + 1);
  EXPECT_THAT(stalled_after(2, v1::Reason::CODE_IMPROVING), Optional(0));
}

// The ranks of an ended run still have to disconnect, and may report once more.
TEST(MetricsTest, AnEndedRunHasNoSeries) {
  Metrics metrics(1);
  metrics.RankConnected("xor", {.connected = 1});
  metrics.RunEnded("xor");
  Decide(metrics, "xor", ActingDecision());
  metrics.RankDisconnected("xor", {.connected = 0});
  EXPECT_THAT(RunLines(metrics), IsEmpty());
}

TEST(MetricsTest, TheRunsThatConnectedLastHaveSeries) {
  Metrics metrics(2);
  metrics.RankConnected("first", {.connected = 1});
  metrics.RankConnected("second", {.connected = 1});
  metrics.RankConnected("first", {.connected = 2});
  metrics.RankConnected("third", {.connected = 1});
  EXPECT_EQ(Value(metrics, "lehr_run_connected_ranks{run=\"second\"}"), std::nullopt);
  EXPECT_THAT(Value(metrics, "lehr_run_connected_ranks{run=\"first\"}"), Optional(2));
  EXPECT_THAT(Value(metrics, "lehr_run_connected_ranks{run=\"third\"}"), Optional(1));
}

TEST(MetricsTest, RunSeriesCanBeSwitchedOff) {
  Metrics metrics(0);
  metrics.RankConnected("xor", {.connected = 1});
  EXPECT_THAT(RunLines(metrics), IsEmpty());
}

TEST(MetricsTest, AHundredThousandRunsDoNotGrowTheScrape) {
  Metrics metrics(20);
  const auto connect = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string run_id = absl::StrFormat("run-%06d", i);
      metrics.RankConnected(run_id, {.connected = 1});
      Decide(metrics, run_id, ActingDecision());
    }
  };
  const auto lines = [&metrics] {
    const std::string scrape = metrics.Serialize();
    return std::count(scrape.begin(), scrape.end(), '\n');
  };
  connect(0, 20);
  const auto few = lines();
  connect(20, 100'000);
  EXPECT_EQ(lines(), few);
  EXPECT_THAT(Value(metrics, "lehr_run_step{run=\"run-099999\"}"), Optional(41));
}

TEST(MetricsTest, ThreadsMayShareIt) {
  Metrics metrics(3);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&metrics, thread] {
      for (int i = 0; i < 200; ++i) {
        const std::string run_id = absl::StrCat("run-", thread, "-", i % 7);
        metrics.RankConnected(run_id, {.connected = 1});
        Decide(metrics, run_id, ActingDecision());
        metrics.RunEnded(run_id);
        if (i % 50 == 0) {
          metrics.Serialize();
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_THAT(Value(metrics, "lehr_decisions_total{reason=\"acted\"}"), Optional(800));
}

TEST(MetricsTest, TheProcessTellsOfItself) {
  Metrics metrics(1);
  const auto seconds_since_epoch = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  EXPECT_GT(Value(metrics, "process_resident_memory_bytes"), 1e6);
  // The kernel counts in ticks of 10 ms.
  while (std::clock() < CLOCKS_PER_SEC / 20) {
  }
  EXPECT_GT(Value(metrics, "process_cpu_seconds_total"), 0);
  EXPECT_NEAR(*Value(metrics, "process_start_time_seconds"), seconds_since_epoch, 600);
  const double open = *Value(metrics, "process_open_fds");
  std::FILE* file = std::fopen("/dev/null", "r");
  EXPECT_THAT(Value(metrics, "process_open_fds"), Optional(open + 1));
  std::fclose(file);
  EXPECT_THAT(Value(metrics, "lehr_build_info{version=\"" LEHR_VERSION "\"}"), Optional(1));
}

// What the command prints, or nothing if it succeeds.
std::string Complaints(const std::string& command) {
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    output.push_back(static_cast<char>(c));
  }
  return pclose(pipe) == 0 ? "" : "fails: " + output;
}

TEST(MetricsTest, PromtoolFindsNothingWrong) {
  Metrics metrics(1);
  metrics.RankConnected("xor", {.connected = 1});
  Decide(metrics, "xor", ActingDecision());
  metrics.HttpRequest("/metrics", 200);
  const std::string path = absl::StrCat(testing::TempDir(), "/lehr-scrape-", getpid());
  std::ofstream(path) << metrics.Serialize();
  EXPECT_EQ(Complaints("promtool check metrics < " + path), "");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace lehr

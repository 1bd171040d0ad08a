#include "server/http/runs_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lehr {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::ListRunsResponse OneRun(const std::string& run_id) {
  v1::ListRunsResponse runs;
  v1::Run& run = *runs.add_runs();
  run.set_run_id(run_id);
  run.set_state(v1::RUN_STATE_ACTIVE);
  run.set_connected(1);
  run.set_world_size(2);
  run.set_step(41);
  run.mutable_observation()->set_temperature(0.25);
  run.mutable_reason()->set_code(v1::Reason::CODE_BELOW_QUORUM);
  run.mutable_last_seen()->set_seconds(1'000'000'000);
  return runs;
}

TEST(RunsPageTest, ShowsARunWithItsLinks) {
  const std::string page = RunsPage(OneRun("digits-1"));
  EXPECT_THAT(page, HasSubstr("<a href=\"/api/v1/runs/digits-1\">digits-1</a>"));
  EXPECT_THAT(page, HasSubstr("<a href=\"/api/v1/runs/digits-1/history\">below quorum</a>"));
  EXPECT_THAT(page, HasSubstr("<td>active</td>"));
  EXPECT_THAT(page, HasSubstr(">1 / 2<"));
  EXPECT_THAT(page, HasSubstr(">0.25<"));
  EXPECT_THAT(page, HasSubstr("2001-09-09 01:46:40"));
}

TEST(RunsPageTest, EscapesWhatComesFromOutside) {
  const std::string page = RunsPage(OneRun("<script>\"&'"));
  EXPECT_THAT(page, HasSubstr(">&lt;script&gt;&quot;&amp;&#39;</a>"));
  EXPECT_THAT(page, HasSubstr("href=\"/api/v1/runs/%3Cscript%3E%22%26%27\""));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
}

TEST(RunsPageTest, ShowsCoverageAndDeadExamplesOfADataset) {
  v1::ListRunsResponse runs = OneRun("digits");
  v1::Run& run = *runs.mutable_runs(0);
  EXPECT_THAT(RunsPage(runs), Not(HasSubstr(" %<")));
  run.mutable_settings()->set_scope(v1::LOSS_SCOPE_DATASET);
  run.mutable_observation()->set_coverage(0.9375);
  EXPECT_THAT(RunsPage(runs), HasSubstr(">93.75 %</td><td class=\"number\">0</td>"));
  run.mutable_observation()->set_dead_examples(2);
  for (const uint64_t id : {17, 4}) {
    run.mutable_observation()->add_dead()->set_example_id(id);
  }
  EXPECT_THAT(RunsPage(runs), HasSubstr(" title=\"examples 17, 4\">2 (17, 4)</td>"));
  run.mutable_observation()->set_dead_examples(90);
  for (const uint64_t id : {6, 7, 8}) {
    run.mutable_observation()->add_dead()->set_example_id(id);
  }
  EXPECT_THAT(RunsPage(runs),
              HasSubstr(" title=\"examples 17, 4, 6, 7, 8\">90 (17, 4, 6, 7, …)</td>"));
}

// Zeros would look like a measurement.
TEST(RunsPageTest, ShowsNothingMeasuredBeforeTheFirstDecision) {
  v1::ListRunsResponse runs = OneRun("digits");
  runs.mutable_runs(0)->set_step(-1);
  const std::string page = RunsPage(runs);
  EXPECT_THAT(page, Not(HasSubstr("-1")));
  EXPECT_THAT(page, Not(HasSubstr("0.25")));
  EXPECT_THAT(page, Not(HasSubstr("below quorum")));
}

TEST(RunsPageTest, SaysThatThereIsNothing) { EXPECT_THAT(RunsPage({}), HasSubstr("No runs yet.")); }

TEST(RunsPageTest, SaysThatActingIsStopped) {
  v1::ListRunsResponse runs;
  EXPECT_THAT(RunsPage(runs), Not(HasSubstr("stopped")));
  runs.set_acting_stopped(true);
  EXPECT_THAT(RunsPage(runs), HasSubstr("All acting is stopped."));
}

TEST(RunsPageTest, SaysThatReplicasDiffer) {
  v1::ListRunsResponse runs = OneRun("digits");
  EXPECT_THAT(RunsPage(runs), Not(HasSubstr("replicas differ")));
  runs.mutable_runs(0)->set_replicas_differ_step(4);
  EXPECT_THAT(RunsPage(runs), HasSubstr("replicas differ"));
}

TEST(RunsPageTest, LinksTheNextPage) {
  v1::ListRunsResponse runs = OneRun("digits");
  runs.set_next_page_token("a/b=&");
  EXPECT_THAT(RunsPage(runs), HasSubstr("<a href=\"/?page_token=a%2Fb%3D%26\">"));
}

}  // namespace
}  // namespace lehr

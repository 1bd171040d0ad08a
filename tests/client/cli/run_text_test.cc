#include "client/cli/run_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace lehr {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(RunText, AnAgeHasOneUnit) {
  EXPECT_EQ(AgeText(absl::Seconds(-3)), "0 s");
  EXPECT_EQ(AgeText(absl::Seconds(119)), "119 s");
  EXPECT_EQ(AgeText(absl::Seconds(120)), "2 min");
  EXPECT_EQ(AgeText(absl::Minutes(119)), "119 min");
  EXPECT_EQ(AgeText(absl::Hours(2)), "2 h");
  EXPECT_EQ(AgeText(absl::Hours(47)), "47 h");
  EXPECT_EQ(AgeText(absl::Hours(71)), "2 d");
}

TEST(RunText, APolicySaysItsDefaults) {
  v1::Policy policy;
  policy.mutable_error_driven();
  EXPECT_EQ(PolicyText(policy), "error_driven, base_noise_level 1");
}

TEST(RunText, ReheatSaysItsPlannedSteps) {
  v1::Policy policy;
  policy.mutable_reheat();
  EXPECT_EQ(PolicyText(policy), "reheat");
  policy.mutable_reheat()->set_planned_steps(9200);
  EXPECT_EQ(PolicyText(policy), "reheat, planned_steps 9200");
}

TEST(RunText, APolicyOfANewerSupervisorIsSaidToBeUnknown) {
  EXPECT_EQ(PolicyText(v1::Policy()), "a rule that this version does not know");
}

TEST(RunText, GuardsSayEachLimit) {
  v1::Guards guards;
  EXPECT_EQ(GuardsText(guards), "none");
  guards.set_max_stddev(0.5);
  guards.set_cooldown_steps(7);
  guards.set_budget(3);
  guards.set_budget_window_steps(100);
  guards.set_breaker_factor(2);
  guards.set_breaker_window_steps(20);
  EXPECT_EQ(GuardsText(guards),
            "max_stddev 0.5, cooldown_steps 7, budget 3 in 100 steps, breaker at 2 times within 20 "
            "steps");
}

TEST(RunText, ReplicasThatDifferAreSaid) {
  v1::Run run;
  std::ostringstream same;
  PrintRun(run, absl::UnixEpoch(), same);
  EXPECT_THAT(same.str(), Not(HasSubstr("REPLICAS")));
  run.set_replicas_differ_step(41);
  std::ostringstream differ;
  PrintRun(run, absl::UnixEpoch(), differ);
  EXPECT_THAT(differ.str(),
              HasSubstr("REPLICAS     differ: their parameters were not the same before step 41"));
}

v1::Run RunOfADataset() {
  v1::Run run;
  run.set_step(3);
  run.mutable_settings()->set_scope(v1::LOSS_SCOPE_DATASET);
  run.mutable_settings()->set_dataset_examples(1200);
  run.mutable_settings()->set_table_examples(1000);
  run.mutable_observation()->set_count(975);
  run.mutable_observation()->set_coverage(0.975);
  return run;
}

void AddDead(v1::Observation& observation, uint64_t id, float loss) {
  observation.add_dead()->set_example_id(id);
  observation.mutable_dead(observation.dead_size() - 1)->set_loss(loss);
}

TEST(RunText, ARunOfADatasetShowsCoverageAndDeadExamples) {
  v1::Run run = RunOfADataset();
  const auto text = [&run] {
    std::ostringstream out;
    PrintRun(run, absl::UnixEpoch(), out);
    return out.str();
  };
  EXPECT_THAT(text(), HasSubstr("coverage     97.5 % of 1000 examples are known\n"));
  EXPECT_THAT(text(), HasSubstr("dead         no examples\n"));
  EXPECT_THAT(text(), HasSubstr(", scope dataset of 1200 examples, table_examples 1000\n"));
  run.mutable_observation()->set_dead_examples(2);
  AddDead(*run.mutable_observation(), 17, 2.5f);
  AddDead(*run.mutable_observation(), 4, 2);
  EXPECT_THAT(text(), HasSubstr("dead         2 examples: 2.5 (example 17), 2 (example 4)\n"));
  run.mutable_observation()->set_dead_examples(9);
  EXPECT_THAT(text(), HasSubstr("9 examples: 2.5 (example 17), 2 (example 4), ...\n"));
  run.mutable_settings()->set_scope(v1::LOSS_SCOPE_BATCH);
  EXPECT_THAT(text(), Not(HasSubstr("coverage")));
}

TEST(RunText, ARunTellsWhatShareOfItsLossTies) {
  v1::Run run;
  run.mutable_observation()->set_count(64);
  const auto text = [&run] {
    std::ostringstream out;
    PrintRun(run, absl::UnixEpoch(), out);
    return out.str();
  };
  EXPECT_THAT(text(), Not(HasSubstr("tied losses")));
  run.mutable_observation()->set_tied_share(0.125);
  EXPECT_THAT(text(),
              HasSubstr("tied losses  12.5 % of the loss ties exactly, as that of dead data "
                        "does\n"));
}

TEST(RunText, ADecisionOfADatasetShowsCoverageUntilItIsWholeAndDeadExamples) {
  v1::Decision decision;
  decision.mutable_reason()->set_code(v1::Reason::CODE_OBSERVE_ONLY);
  EXPECT_THAT(DecisionLine(decision, ""), EndsWith("only observes"));
  decision.mutable_observation()->set_coverage(0.975);
  decision.mutable_observation()->set_dead_examples(3);
  AddDead(*decision.mutable_observation(), 17, 2.5f);
  AddDead(*decision.mutable_observation(), 4, 2);
  EXPECT_THAT(DecisionLine(decision, ""),
              EndsWith("only observes; 97.5 % known; 3 dead: 17, 4, ..."));
  decision.mutable_observation()->set_coverage(1);
  EXPECT_THAT(DecisionLine(decision, ""), EndsWith("only observes; 3 dead: 17, 4, ..."));
}

TEST(RunText, ADecisionShowsItsNoiseAndWhatElseItChanges) {
  v1::Decision decision;
  decision.mutable_reason()->set_code(v1::Reason::CODE_OBSERVE_ONLY);
  decision.add_actions()->mutable_snapshot()->set_id(3);
  EXPECT_THAT(DecisionLine(decision, ""), EndsWith("  -  only observes"));
  decision.add_actions()->mutable_identity();
  decision.add_actions()->mutable_perturb()->set_stddev(0.25F);
  decision.add_actions()->mutable_learning_rate()->set_factor(0.1F);
  EXPECT_THAT(DecisionLine(decision, ""),
              EndsWith("  0.25  only observes; identity; learning rate x 0.1"));
}

TEST(RunText, StatesAreWords) {
  EXPECT_EQ(StateName(v1::RUN_STATE_SILENT), "silent");
  EXPECT_EQ(StateName(static_cast<v1::RunState>(99)), "state 99");
}

}  // namespace
}  // namespace lehr

#include "server/core/policies/reheat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/server/core/policies/stuck_run.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// In words: what a proposal does to the parameters.
std::vector<std::string> Words(const Proposal& proposal) {
  std::vector<std::string> words;
  for (const Action& action : proposal.actions) {
    if (const auto* snapshot = std::get_if<SnapshotAction>(&action)) {
      words.push_back("snapshot " + std::to_string(snapshot->id));
    } else if (const auto* restore = std::get_if<RestoreAction>(&action)) {
      words.push_back("restore " + std::to_string(restore->id));
    } else if (std::holds_alternative<IdentityAction>(action)) {
      words.push_back("identity");
    } else if (const auto* rate = std::get_if<LearningRateAction>(&action)) {
      words.push_back("rate " + testing::PrintToString(rate->factor));
    } else {
      const auto& perturb = std::get<PerturbAction>(action);
      EXPECT_EQ(perturb.scale, ActionScale::kRelative);
      EXPECT_EQ(perturb.optimizer_state, ActionOptimizerState::kReset);
      words.push_back(testing::PrintToString(perturb.shrink) + ":" +
                      testing::PrintToString(perturb.stddev) + perturb.tensor_selector);
    }
  }
  return words;
}

// --- Observations. ---

TEST(Reheat, LooksOnceAPassOverTheDataSet) {
  Stuck run(/*losses_per_step=*/400);
  const Proposal first = run.Step(1);
  EXPECT_EQ(first.reason.code, ReasonCode::kPassUnderWay);
  EXPECT_EQ(first.reason.value, 400);
  EXPECT_EQ(first.reason.limit, 1000);
  EXPECT_EQ(run.Step(1).reason.code, ReasonCode::kPassUnderWay);
  EXPECT_EQ(run.Step(1).reason.code, ReasonCode::kKeepsBest);
}

TEST(Reheat, SaysThatNoLossWasUsable) {
  Stuck run;
  Observation nothing;
  nothing.excluded.nan = 4;
  const Proposal proposal = Propose(run.policy, run.state, nothing, {});
  EXPECT_EQ(proposal.reason.code, ReasonCode::kNoLosses);
  EXPECT_EQ(proposal.reason.value, 4);
}

// --- The ladder. ---

TEST(Reheat, KeepsTheBestStateAsItImproves) {
  Stuck run;
  EXPECT_THAT(Words(run.Pass(2)), ElementsAre("snapshot 1"));
  // Not clearly better.
  EXPECT_THAT(Words(run.Pass(1.99)), IsEmpty());
  const Proposal better = run.Pass(1.9);
  EXPECT_THAT(Words(better), ElementsAre("snapshot 1"));
  EXPECT_EQ(better.reason.code, ReasonCode::kKeepsBest);
  EXPECT_EQ(better.reason.value, 1.9);
  EXPECT_EQ(better.reason.limit, 2);
  EXPECT_THAT(Words(run.Pass(2)), IsEmpty());
}

int SnapshotsOf(Stuck& run, int passes, double fall) {
  int snapshots = 0;
  for (int pass = 0; pass < passes; ++pass) {
    snapshots += run.Pass(2.3 * std::exp(-fall * pass)).actions.empty() ? 0 : 1;
  }
  return snapshots;
}

// A copy on every rank and a durable entry each: one in twenty steps at most.
TEST(Reheat, AFullBatchThatFallsAtEveryStepIsNotKeptAtEveryStep) {
  Stuck run(/*losses_per_step=*/kExamples);
  EXPECT_EQ(SnapshotsOf(run, /*passes=*/4000, /*fall=*/0.03), 200);
  Stuck short_passes(/*losses_per_step=*/kExamples / 4);
  EXPECT_EQ(SnapshotsOf(short_passes, /*passes=*/100, /*fall=*/0.03), 20);
}

TEST(Reheat, APassOfTwentyStepsIsKeptWheneverItIsClearlyBetter) {
  Stuck run(/*losses_per_step=*/kExamples / 20);
  EXPECT_EQ(SnapshotsOf(run, /*passes=*/100, /*fall=*/0.03), 100);
}

TEST(Reheat, WhenAFullBatchPausesItIsKeptBeforeItIsAStall) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.Pass(2);
  EXPECT_THAT(Words(run.Pass(1)), IsEmpty());
  EXPECT_THAT(Words(run.Pass(1)), IsEmpty());
  EXPECT_THAT(Words(run.Pass(1)), ElementsAre("snapshot 1"));
}

// The best came between two looks; the state at hand is as good, and the next rewind has it.
TEST(Reheat, AStateAsGoodAsTheBestIsKeptAtTheNextLook) {
  for (const bool as_good : {true, false}) {
    Stuck run(/*losses_per_step=*/kExamples);
    EXPECT_THAT(Words(run.Pass(2)), ElementsAre("snapshot 1"));
    for (int step = 1; step < 20; ++step) {
      EXPECT_THAT(Words(run.Pass(2 - 0.05 * step)), IsEmpty());
    }
    const double best = 2 - 0.05 * 19;
    EXPECT_EQ(run.Pass((as_good ? 1.019 : 1.021) * best).actions.size(), as_good ? 1u : 0u);
  }
}

TEST(Reheat, WhereNothingWasLearnedItShakesAndStartsAnewInTurn) {
  Stuck run;
  EXPECT_THAT(Words(run.PassesUntilItActs(2.3)), ElementsAre("restore 1", "0.4:2"));
  EXPECT_THAT(Words(run.PassesUntilItActs(2.3)), ElementsAre("restore 1", "0:1", "0:0*bias"));
  EXPECT_THAT(Words(run.PassesUntilItActs(2.3)), ElementsAre("restore 1", "0.4:2"));
}

TEST(Reheat, WhereSomethingWasLearnedItClimbsTheLadderFromTheBestState) {
  Stuck run;
  run.Pass(2.3);
  std::vector<std::string> last;
  for (int i = 0; i < 4; ++i) {
    const std::vector<std::string> words = Words(run.PassesUntilItActs(1.15));
    ASSERT_EQ(words.size(), 2u);
    EXPECT_EQ(words[0], "restore 1");
    last.push_back(words[1]);
  }
  EXPECT_THAT(last, ElementsAre("1:0", "0.9:0.5", "0.4:2", "1:0"));
}

// Twice as a shallow net with new values, then something else.
TEST(Reheat, WhereLayersKeepTheirWidthItStartsShallow) {
  Stuck run;
  run.keeps_width = true;
  run.Pass(2.3);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Words(run.PassesUntilItActs(1.15)),
                ElementsAre("restore 1", "0:1", "0:0*bias", "identity"));
  }
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)), ElementsAre("restore 1", "0.9:0.5"));
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)),
              ElementsAre("restore 1", "0:1", "0:0*bias", "identity"));
}

TEST(Reheat, AndSoItDoesWhereNothingWasLearned) {
  Stuck run;
  run.keeps_width = true;
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Words(run.PassesUntilItActs(2.3)),
                ElementsAre("restore 1", "0:1", "0:0*bias", "identity"));
  }
  EXPECT_THAT(Words(run.PassesUntilItActs(2.3)), ElementsAre("restore 1", "0.4:2"));
}

// Without noise it is the initial values that decide where a net goes.
TEST(Reheat, AFullBatchStartsShallowFromWiderDrawsInTurn) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.keeps_width = true;
  run.Pass(2.3);
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)),
              ElementsAre("restore 1", "0:1", "0:0*bias", "identity"));
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)),
              ElementsAre("restore 1", "0:2.5", "0:0*bias", "identity"));
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)), ElementsAre("restore 1", "0.9:0.5"));
}

TEST(Reheat, ABetterAttemptReplacesTheIncumbentAndTheLadderBeginsAnew) {
  Stuck run;
  run.Pass(2.3);
  for (int i = 0; i < 4; ++i) {
    run.PassesUntilItActs(1.15);
  }
  EXPECT_EQ(run.state.pending->rung, 4u);
  EXPECT_THAT(Words(run.Pass(1.0)), ElementsAre("snapshot 2"));
  EXPECT_THAT(Words(run.PassesUntilItActs(1.0)), ElementsAre("restore 2", "1:0"));
  EXPECT_EQ(run.state.incumbent.mean_loss, 1.0);
  // The next attempt takes the other snapshot.
  EXPECT_THAT(Words(run.Pass(0.9)), ElementsAre("snapshot 1"));
}

TEST(Reheat, AWorseAttemptDoesNotReplaceTheIncumbent) {
  Stuck run;
  run.Pass(2.3);
  run.PassesUntilItActs(1.15);
  EXPECT_THAT(Words(run.PassesUntilItActs(1.3)), ElementsAre("restore 1", "0.9:0.5"));
  EXPECT_EQ(run.state.incumbent.mean_loss, 1.15);
}

// They replay themselves: the same parameters lead to the same stall.
TEST(Reheat, AHandfulOfExamplesIsDrawnAnewAtOnce) {
  Stuck run = HandfulOfExamples();
  run.keeps_width = true;
  run.Pass(2.3);
  for (const char* draw : {"0:2.5", "0:2.5", "0:1", "0:2.5"}) {
    EXPECT_THAT(Words(run.PassesUntilItActs(1.15)), ElementsAre("restore 1", draw, "0:0*bias"));
  }
}

TEST(Reheat, SmallerWhereTheLastOfThemCarryTheLoss) {
  for (const double share : {0.34, 0.36}) {
    Stuck run = HandfulOfExamples();
    run.Pass(2.3);
    for (int i = 0; i < 2; ++i) {
      EXPECT_THAT(Words(run.PassesUntilItActs(1.15, /*most=*/1000, share)),
                  ElementsAre("restore 1", share < 0.35 ? "0:0.7" : "0:2.5", "0:0*bias"));
    }
  }
}

TEST(Reheat, WithoutTwoSnapshotsItPerturbsTheStateAtHand) {
  Stuck run(/*losses_per_step=*/50, /*snapshot_capacity=*/1);
  EXPECT_THAT(Words(run.Pass(2.3)), IsEmpty());
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)), ElementsAre("0.9:0.5"));
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)), ElementsAre("0.4:2"));
}

TEST(Reheat, SnapshotsThatTheRanksLostAreNotRestored) {
  Stuck run;
  run.Pass(2.3);
  run.PassesUntilItActs(1.15);
  run.held.clear();
  EXPECT_THAT(Words(run.PassesUntilItActs(1.3)), ElementsAre("0.9:0.5"));
}

// --- Commands that are not done. ---

TEST(Reheat, ASkippedCommandCountsForNothing) {
  Stuck run;
  run.Pass(2.3);
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)), ElementsAre("restore 1", "1:0"));
  ForgetCommand(run.state, run.step - 1);
  EXPECT_FALSE(run.state.pending);
  // The stall goes on, and so does the rung.
  EXPECT_THAT(Words(run.Pass(1.15)), ElementsAre("restore 1", "1:0"));
  EXPECT_EQ(run.state.pending->rung, 1u);
}

TEST(Reheat, ASkippedSnapshotIsTakenAgain) {
  Stuck run;
  run.obeys = false;
  EXPECT_THAT(Words(run.Pass(2)), ElementsAre("snapshot 1"));
  ForgetCommand(run.state, run.step - 1);
  EXPECT_THAT(Words(run.Pass(2)), ElementsAre("snapshot 1"));
}

TEST(Reheat, WaitsForTheStepThatItsCommandIsFor) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.lag = 3;
  EXPECT_THAT(Words(run.Step(2)), ElementsAre("snapshot 1"));
  for (int i = 0; i < 3; ++i) {
    const Proposal proposal = run.Step(1);
    EXPECT_EQ(proposal.reason.code, ReasonCode::kUnderWay);
    EXPECT_EQ(proposal.reason.value, 0);
    EXPECT_EQ(proposal.reason.limit, 4);
  }
  EXPECT_EQ(run.Step(1).reason.code, ReasonCode::kImproving);
  EXPECT_EQ(run.state.kept.snapshot, 1u);
}

// --- The last phase. ---

TEST(Reheat, NothingIsPerturbedInTheLastTenth) {
  Stuck run;
  run.policy.planned_steps = 1000;
  run.step = 910;
  for (int pass = 0; pass < 2; ++pass) {
    run.Pass(2.3);
  }
  run.state.since_mark = 50;
  const Proposal proposal = run.Step(2.3);
  EXPECT_THAT(Words(proposal), IsEmpty());
}

TEST(Reheat, AWorseStateGoesBackToTheIncumbentBeforeTheEnd) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.policy.planned_steps = 1000;
  run.Pass(2.3);
  run.PassesUntilItActs(1.0);
  run.step = 899;
  const Proposal proposal = run.Step(1.8);
  EXPECT_THAT(Words(proposal), ElementsAre("restore 1"));
  EXPECT_EQ(proposal.reason.code, ReasonCode::kReturnsToBest);
  EXPECT_EQ(proposal.reason.value, 1.8);
  EXPECT_EQ(proposal.reason.limit, 1.0);
  // Once, unless the last step at which it can sees a worse state again.
  EXPECT_EQ(run.Step(1.8).reason.code, ReasonCode::kLastPhase);
  run.step = 998;
  EXPECT_THAT(Words(run.Step(1.8)), ElementsAre("restore 1"));
}

TEST(Reheat, AStateAsGoodAsTheIncumbentStays) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.policy.planned_steps = 1000;
  run.Pass(2.3);
  run.PassesUntilItActs(1.0);
  run.step = 899;
  EXPECT_EQ(run.Step(1.01).reason.code, ReasonCode::kLastPhase);
}

// Its loss jumps about, as that of small batches does: not a bit of it may change. Far above its
// best for ten passes in a row, it has collapsed.
TEST(Reheat, ARunThatWasNeverPerturbedGoesBackInTheEndOnlyIfItHasCollapsed) {
  for (const int far_above : {9, 10}) {
    Stuck run;
    run.tied = 0;
    run.policy.planned_steps = 1000;
    run.Pass(2.3);
    run.Pass(1.0);
    run.step = 900 - 20 * far_above;
    Proposal proposal;
    for (int pass = 0; pass < far_above; ++pass) {
      proposal = run.Pass(1.6);
    }
    EXPECT_EQ(proposal.reason.code,
              far_above == 10 ? ReasonCode::kReturnsToBest : ReasonCode::kLastPhase);
  }
}

// A full batch that has stalled at 1.0, just before its last phase.
Stuck StalledBeforeItsEnd() {
  Stuck run(/*losses_per_step=*/kExamples);
  run.scales = true;
  run.policy.planned_steps = 1000;
  run.Pass(2.3);
  run.PassesUntilItActs(1.0);
  run.step = 899;
  return run;
}

TEST(Reheat, ARunThatHadStalledCoolsOnceInItsLastPhase) {
  Stuck run = StalledBeforeItsEnd();
  const Proposal proposal = run.Step(1.01);
  EXPECT_THAT(Words(proposal), ElementsAre("rate 0.1"));
  EXPECT_EQ(proposal.reason.code, ReasonCode::kCools);
  EXPECT_EQ(proposal.reason.value, 100);
  EXPECT_EQ(proposal.reason.limit, 100);
  for (int step = 0; step < 20; ++step) {
    EXPECT_THAT(Words(run.Step(1.01)), IsEmpty());
  }
  // Another command, that keeps a better state, leaves the learning rate as it is.
  int snapshots = 0;
  for (int step = 0; step < 20; ++step) {
    snapshots += run.Step(0.9).actions.empty() ? 0 : 1;
  }
  EXPECT_EQ(snapshots, 1);
  EXPECT_EQ(run.state.learning_rate, 0.1F);
}

TEST(Reheat, AWorseStateGoesBackAndCools) {
  Stuck run = StalledBeforeItsEnd();
  const Proposal proposal = run.Step(1.8);
  EXPECT_THAT(Words(proposal), ElementsAre("restore 1", "rate 0.1"));
  EXPECT_EQ(proposal.reason.code, ReasonCode::kReturnsToBest);
  EXPECT_EQ(run.Step(1.01).reason.code, ReasonCode::kLastPhase);
  EXPECT_EQ(run.state.learning_rate, 0.1F);
}

TEST(Reheat, CoolingThatWasSkippedIsAskedForAgain) {
  Stuck run = StalledBeforeItsEnd();
  EXPECT_THAT(Words(run.Step(1.01)), ElementsAre("rate 0.1"));
  ForgetCommand(run.state, run.step - 1);
  EXPECT_THAT(Words(run.Step(1.01)), ElementsAre("rate 0.1"));
}

// Its ranks have the learning rate that was planned.
TEST(Reheat, ANewGenerationCoolsAgain) {
  Stuck run = StalledBeforeItsEnd();
  run.Step(1.01);
  Stuck committed = run;
  committed.Step(1.01);
  // With the command under way, and with it done.
  for (Stuck* resumed : {&run, &committed}) {
    BeginGeneration(resumed->state);
    std::vector<std::string> words;
    for (int step = 0; step < 3 && words.empty(); ++step) {
      words = Words(resumed->Step(1.01));
    }
    EXPECT_THAT(words, ElementsAre("rate 0.1"));
  }
}

TEST(Reheat, ARunThatNeverStalledDoesNotCool) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.scales = true;
  run.policy.planned_steps = 1000;
  run.Pass(2.3);
  run.Pass(1.0);
  run.step = 899;
  for (int step = 0; step < 50; ++step) {
    EXPECT_FALSE(ChangesParameters(run.Step(1.01).actions));
  }
}

// --- After a crash. ---

// The state after this decision counts.
ReheatState Replayed(ReheatState state, std::vector<Action> actions) {
  StepDecision decision;
  decision.step = 1000;
  decision.apply_step = 1001;
  decision.actions = std::move(actions);
  Replay(state, decision);
  StepDecision next;
  next.step = 1001;
  Replay(state, next);
  return state;
}

TEST(Reheat, ReplayedDecisionsTakeTheirRungs) {
  Stuck run;
  run.Pass(2.3);
  run.Pass(1.15);
  const ReheatState state = Replayed(run.state, {RestoreAction{.id = 1}, PerturbAction()});
  EXPECT_EQ(state.rung, 1u);
  EXPECT_EQ(state.stalls, 1u);
  EXPECT_EQ(state.incumbent.mean_loss, 1.15);
  EXPECT_EQ(Replayed(run.state, {PerturbAction(), IdentityAction()}).rung, 1u);
}

TEST(Reheat, AReplayedReturnIsNoStall) {
  Stuck run;
  run.Pass(2.3);
  run.Pass(1.15);
  const ReheatState state =
      Replayed(run.state, {RestoreAction{.id = 1}, LearningRateAction{.factor = 0.1F}});
  EXPECT_EQ(state.stalls, 0u);
  EXPECT_EQ(state.age, 0u);
  EXPECT_EQ(state.learning_rate, 0.1F);
}

TEST(Reheat, AReplayedCoolingGoesOnWithTheAttempt) {
  Stuck run;
  run.Pass(2.3);
  run.Pass(1.15);
  const ReheatState state = Replayed(run.state, {LearningRateAction{.factor = 0.1F}});
  EXPECT_EQ(state.stalls, 0u);
  EXPECT_EQ(state.age, 2u);
  EXPECT_EQ(state.learning_rate, 0.1F);
}

}  // namespace
}  // namespace lehr

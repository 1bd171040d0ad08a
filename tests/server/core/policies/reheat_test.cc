#include "server/core/policies/reheat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kExamples = 1000;

// A run whose every step takes `losses_per_step` of the data set's thousand, and whose ranks do
// what they are told.
class Stuck {
 public:
  explicit Stuck(uint64_t losses_per_step = kExamples / 20, uint32_t snapshot_capacity = 2)
      : losses_per_step_(losses_per_step), snapshot_capacity_(snapshot_capacity) {}

  // One step.
  Proposal Step(double mean, double share = 1) {
    Observation observation;
    observation.temperature.count = kExamples;
    observation.temperature.mean = mean;
    observation.temperature.root_mean_square = mean / std::sqrt(share);
    const PolicyContext context = {.step = step,
                                   .apply_step = step + 1 + lag,
                                   .losses = losses_per_step_,
                                   .dataset_examples = kExamples,
                                   .snapshot_capacity = snapshot_capacity_,
                                   .snapshots = held};
    const Proposal proposal = Propose(policy, state, observation, context);
    ++step;
    if (obeys) {
      for (const Action& action : proposal.actions) {
        const auto* snapshot = std::get_if<SnapshotAction>(&action);
        if (snapshot != nullptr && std::count(held.begin(), held.end(), snapshot->id) == 0) {
          held.push_back(snapshot->id);
        }
      }
    }
    return proposal;
  }

  // One pass over the data set: what its last step brings.
  Proposal Pass(double mean, double share = 1) {
    Proposal proposal;
    for (uint64_t losses = 0; losses < kExamples; losses += losses_per_step_) {
      proposal = Step(mean, share);
    }
    return proposal;
  }

  // Passes until one acts, `most` at most.
  Proposal PassesUntilItActs(double mean, int most = 1000) {
    Proposal proposal;
    for (passes = 1; passes <= most; ++passes) {
      proposal = Pass(mean);
      if (ChangesParameters(proposal.actions)) {
        break;
      }
    }
    return proposal;
  }

  ReheatPolicy policy;
  ReheatState state;
  std::vector<uint64_t> held;
  int64_t step = 0;
  int64_t lag = 0;
  bool obeys = true;
  int passes = 0;

 private:
  const uint64_t losses_per_step_;
  const uint32_t snapshot_capacity_;
};

// In words: what a proposal does to the parameters.
std::vector<std::string> Words(const Proposal& proposal) {
  std::vector<std::string> words;
  for (const Action& action : proposal.actions) {
    if (const auto* snapshot = std::get_if<SnapshotAction>(&action)) {
      words.push_back("snapshot " + std::to_string(snapshot->id));
    } else if (const auto* restore = std::get_if<RestoreAction>(&action)) {
      words.push_back("restore " + std::to_string(restore->id));
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

// --- Detection. 20 steps a pass, so a stall takes at least max(5, 25 / 20) passes. ---

TEST(Reheat, AFlatLossIsAStall) {
  Stuck run;
  run.Pass(2.3);
  const Proposal proposal = run.PassesUntilItActs(1.15);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallFlat);
  EXPECT_EQ(proposal.reason.value, 0);
  EXPECT_EQ(proposal.reason.limit, 0.02);
  // The first pass is an improvement, five without one follow.
  EXPECT_EQ(run.passes, 6);
}

TEST(Reheat, BeforeThatItIsTooEarly) {
  Stuck run;
  run.Pass(2.3);
  run.Pass(1.15);
  const Proposal proposal = run.Pass(1.15);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kImproving);
  EXPECT_EQ(proposal.reason.value, 1);
  EXPECT_EQ(proposal.reason.limit, 5);
}

// Before anything was learned: 200 steps, and within a thousandth.
TEST(Reheat, AFlatBeginningIsAStallOnlyAfterTwoHundredSteps) {
  Stuck run;
  const Proposal proposal = run.PassesUntilItActs(2.3);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallFlat);
  EXPECT_EQ(proposal.reason.limit, 0.001);
  EXPECT_EQ(run.passes, 11);
}

// Two spirals in batches of 20: the loss has to lose a tenth before it falls fast.
double SlowStart(int pass) { return 0.695 - 0.0001 * pass - 0.000002 * pass * pass; }

TEST(Reheat, ASlowStartIsNoStall) {
  Stuck run(/*losses_per_step=*/kExamples / 10);
  for (int pass = 0; pass < 200; ++pass) {
    ASSERT_FALSE(ChangesParameters(run.Pass(SlowStart(pass)).actions)) << pass;
  }
}

// The noise hides the fall from one pass to the next.
TEST(Reheat, ANoisySlowStartIsNoStall) {
  Stuck run(/*losses_per_step=*/kExamples / 10);
  for (int pass = 0; pass < 200; ++pass) {
    const double noise = 0.002 * (std::fmod(0.618034 * pass, 1.0) - 0.5);
    ASSERT_FALSE(ChangesParameters(run.Pass(SlowStart(pass) + noise).actions)) << pass;
  }
}

// Noise that a flat beginning may not have: it does not improve, so it is a stall in the end.
TEST(Reheat, ANoisyBeginningThatDoesNotImproveIsAStallAfterAHundredPasses) {
  Stuck run;
  Proposal proposal;
  int passes = 0;
  do {
    proposal = run.Pass(passes % 2 == 0 ? 2.3 : 2.31);
    ++passes;
    ASSERT_LT(passes, 200);
  } while (!ChangesParameters(proposal.actions));
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallSlow);
  EXPECT_EQ(proposal.reason.limit, 100);
  EXPECT_EQ(passes, 101);
}

// A run that was perturbed is known to be stuck.
TEST(Reheat, AfterTheFirstStallAFlatBeginningTakesNoLongerThanAnother) {
  Stuck run;
  run.PassesUntilItActs(2.3);
  EXPECT_EQ(run.PassesUntilItActs(2.3).reason.limit, 0.02);
  EXPECT_EQ(run.passes, 6);
}

TEST(Reheat, AnImprovingLossIsNoStall) {
  Stuck run;
  for (double mean = 2.3; mean > 0.2; mean *= 0.985) {
    ASSERT_FALSE(ChangesParameters(run.Pass(mean).actions)) << mean;
  }
}

// 0.3 % a pass: a one-percent improvement every four passes, as a slow but healthy net makes it.
TEST(Reheat, ASlowlyImprovingLossIsNoStall) {
  Stuck run;
  for (double mean = 2.3; mean > 0.2; mean *= 0.997) {
    ASSERT_FALSE(ChangesParameters(run.Pass(mean).actions)) << mean;
  }
}

// A decaying learning rate: the loss approaches 1 like 1 + 1/age, and its noise fades. The trend
// over an attempt as long as this one would still move it.
TEST(Reheat, NoImprovementWhileTheLossStillMovesIsAStallOnlyAfterAThirdOfTheAttempt) {
  Stuck run;
  for (int pass = 0; pass < 40; ++pass) {
    run.Pass(2.3 * std::pow(0.96, pass));
  }
  // Jumps between two values 6 % apart, the lower of which is no improvement.
  const double low = 2.3 * std::pow(0.96, 39);
  Proposal proposal;
  int passes = 0;
  do {
    proposal = run.Pass(passes % 2 == 0 ? low * 1.06 : low);
    ++passes;
    if (passes == 6) {
      EXPECT_EQ(proposal.reason.code, ReasonCode::kStillMoving);
    }
    ASSERT_LT(passes, 100);
  } while (!ChangesParameters(proposal.actions));
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallSlow);
  // since >= 0.3 (40 + since): the least such number.
  EXPECT_EQ(passes, 18);
  EXPECT_EQ(proposal.reason.value, 18);
}

TEST(Reheat, ALossThatRoseAndStaysThereHasCollapsed) {
  Stuck run;
  for (int pass = 0; pass < 40; ++pass) {
    run.Pass(2.3 * std::pow(0.96, pass));
  }
  // Far above the least, and moving by more than a flat loss may.
  Proposal proposal;
  int passes = 0;
  do {
    proposal = run.Pass(passes % 2 == 0 ? 2.2 : 2.0);
    ++passes;
    ASSERT_LT(passes, 100);
  } while (!ChangesParameters(proposal.actions));
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallCollapsed);
  EXPECT_EQ(passes, 5);
}

// Ten steps a pass, as two spirals have it: the loss leaps, and comes back by itself.
TEST(Reheat, AShortLeapIsNoCollapse) {
  Stuck run(/*losses_per_step=*/kExamples / 10);
  for (int pass = 0; pass < 40; ++pass) {
    run.Pass(2.3 * std::pow(0.96, pass));
  }
  for (int pass = 1; pass < 10; ++pass) {
    ASSERT_FALSE(ChangesParameters(run.Pass(2.4 - 0.1 * pass).actions)) << pass;
  }
  EXPECT_EQ(run.Pass(1.4).reason.code, ReasonCode::kStallCollapsed);
}

TEST(Reheat, AConvergedRunIsNoStall) {
  Stuck run;
  run.Pass(2);
  for (int pass = 0; pass < 100; ++pass) {
    const Proposal proposal = run.Pass(0.039);
    ASSERT_FALSE(ChangesParameters(proposal.actions));
    if (pass > 0) {
      ASSERT_EQ(proposal.reason.code, ReasonCode::kConverged);
      ASSERT_EQ(proposal.reason.limit, 0.04);
    }
  }
}

// A few mislabelled examples: what is left is theirs.
TEST(Reheat, ALossThatFewExamplesCarryIsNoStall) {
  Stuck run;
  run.Pass(2);
  for (int pass = 0; pass < 100; ++pass) {
    const Proposal proposal = run.Pass(0.3, /*share=*/0.08);
    ASSERT_FALSE(ChangesParameters(proposal.actions));
    if (pass > 0) {
      ASSERT_EQ(proposal.reason.code, ReasonCode::kFewExamples);
      ASSERT_NEAR(proposal.reason.value, 0.08, 1e-12);
    }
  }
}

// --- Detection where every step sees the whole data set. ---

// Steps until it acts, `most` at most, with `loss` as a function of the step.
template <typename Loss>
Proposal StepsUntilItActs(Stuck& run, int most, Loss loss) {
  Proposal proposal;
  for (run.passes = 0; run.passes < most; ++run.passes) {
    proposal = run.Pass(loss(run.passes));
    if (ChangesParameters(proposal.actions)) {
      break;
    }
  }
  return proposal;
}

// Nothing was learned, so 25 observations are needed, and five in a row say the same.
TEST(Reheat, AFullBatchThatDoesNotMoveIsAStall) {
  Stuck run(/*losses_per_step=*/kExamples);
  const Proposal proposal = run.PassesUntilItActs(2.3);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallBound);
  EXPECT_EQ(run.passes, 29);
}

// Two steps a pass are no full batch: what is seen of it has noise.
TEST(Reheat, OnlyFullBatchesAreJudgedByTheirCurve) {
  Stuck run(/*losses_per_step=*/kExamples / 2);
  EXPECT_EQ(run.PassesUntilItActs(2.3).reason.code, ReasonCode::kStallFlat);
}

// 0.5 + 0.5 exp(-t / 10), as XOR falls to the plateau where two of four examples are dead. Seven
// hundredths of the loss are left at 0.5376, five observations in a row are needed, and the newest
// whole block is one of at most four steps.
TEST(Reheat, AFullBatchBoundForAPlateauIsAStallBeforeItIsThere) {
  Stuck run(/*losses_per_step=*/kExamples);
  const Proposal proposal =
      StepsUntilItActs(run, 1000, [](int t) { return 0.5 + 0.5 * std::exp(-t / 10.0); });
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallBound);
  EXPECT_GT(proposal.reason.value, 0.51);
  EXPECT_NEAR(proposal.reason.limit, 0.5, 0.01);
  EXPECT_GE(run.passes, 26);
  EXPECT_LE(run.passes, 38);
}

// The same curve a hundred times slower, as with a learning rate of a hundredth: still a stall, and
// no sooner in its own time.
TEST(Reheat, TheLearningRateDoesNotMatterToThat) {
  Stuck run(/*losses_per_step=*/kExamples);
  const Proposal proposal =
      StepsUntilItActs(run, 100'000, [](int t) { return 0.5 + 0.5 * std::exp(-t / 1000.0); });
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallBound);
  EXPECT_GT(run.passes, 1600);
}

// The output's bias is learned within ten steps, then the rest, slowly.
TEST(Reheat, TheShortFallAtTheBeginningIsNoStall) {
  Stuck run(/*losses_per_step=*/kExamples);
  StepsUntilItActs(run, 3000,
                   [](int t) { return 0.05 * std::exp(-t / 10.0) + 2.25 * std::exp(-t / 1000.0); });
  EXPECT_EQ(run.passes, 3000);
}

TEST(Reheat, AFullBatchThatFallsEverSoSlowlyIsNoStall) {
  for (const double rate : {1e-4, 1e-3, 1e-2}) {
    Stuck run(/*losses_per_step=*/kExamples);
    StepsUntilItActs(run, 2000, [&](int t) { return 2.3 * std::exp(-rate * t); });
    EXPECT_EQ(run.passes, 2000) << rate;
  }
  Stuck run(/*losses_per_step=*/kExamples);
  StepsUntilItActs(run, 2000, [&](int t) { return 2.3 / std::sqrt(1 + t / 300.0); });
  EXPECT_EQ(run.passes, 2000) << "power law";
  Stuck begins(/*losses_per_step=*/kExamples);
  StepsUntilItActs(begins, 1000, [&](int t) { return 2.3 - 1e-6 * t * t; });
  EXPECT_EQ(begins.passes, 1000) << "falls faster and faster";
}

// As it jumps about at too large a learning rate: no curve to judge by. The jumps are the golden
// ratio's, which repeat at no distance.
TEST(Reheat, AFullBatchThatOnlyJumpsAboutIsAStallAfterAHundredSteps) {
  Stuck run(/*losses_per_step=*/kExamples);
  const Proposal proposal =
      StepsUntilItActs(run, 1000, [](int t) { return 1 + 0.2 * std::fmod(0.618034 * t, 1.0); });
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallSlow);
  EXPECT_EQ(proposal.reason.limit, 100);
  EXPECT_GE(run.passes, 100);
}

TEST(Reheat, OnceAFullBatchHasStalledItMustImproveAllTheTime) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.Pass(2.3);
  run.PassesUntilItActs(1.15);
  // 0.4 % a step is 1 % within three.
  StepsUntilItActs(run, 100, [](int t) { return 2.3 * std::exp(-0.004 * t); });
  EXPECT_EQ(run.passes, 100);
  // The first of these is an improvement, if only of the mark.
  const Proposal proposal = run.PassesUntilItActs(1.4);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallSlow);
  EXPECT_EQ(proposal.reason.value, 3);
  EXPECT_EQ(proposal.reason.limit, 3);
}

TEST(Reheat, AndItsPatienceDoublesWithFortyEightStalls) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.Pass(2.3);
  run.PassesUntilItActs(1.15);
  run.state.stalls = 48 - 1;
  EXPECT_EQ(run.PassesUntilItActs(1.15).reason.limit, 6);
}

TEST(Reheat, AFullBatchThatRoseAndStaysThereHasCollapsed) {
  Stuck run(/*losses_per_step=*/kExamples);
  StepsUntilItActs(run, 40, [](int t) { return 2.3 * std::pow(0.96, t); });
  const Proposal proposal =
      StepsUntilItActs(run, 1000, [](int t) { return t % 2 == 0 ? 2.2 : 2.0; });
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallCollapsed);
  EXPECT_EQ(run.passes, 24);
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

// Full batches replay themselves: the same parameters lead to the same stall.
TEST(Reheat, AFullBatchIsDrawnAnewAtOnce) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.Pass(2.3);
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)), ElementsAre("restore 1", "0:1", "0:0*bias"));
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)), ElementsAre("restore 1", "0:1.25", "0:0*bias"));
  EXPECT_THAT(Words(run.PassesUntilItActs(1.15)), ElementsAre("restore 1", "0:1", "0:0*bias"));
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

TEST(Reheat, NothingIsPerturbedInTheLastTwentieth) {
  Stuck run;
  run.policy.planned_steps = 1000;
  run.step = 960;
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
  run.step = 949;
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
  run.step = 949;
  EXPECT_EQ(run.Step(1.01).reason.code, ReasonCode::kLastPhase);
}

// Its loss jumps about, as that of small batches does: not a bit of it may change.
TEST(Reheat, ARunThatWasNeverPerturbedIsNotTouchedInTheEnd) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.policy.planned_steps = 1000;
  run.Pass(2.3);
  run.Pass(1.0);
  run.step = 949;
  EXPECT_EQ(run.Step(1.3).reason.code, ReasonCode::kLastPhase);
}

// --- After a crash. ---

TEST(Reheat, ReplayedDecisionsTakeTheirRungs) {
  Stuck run;
  run.Pass(2.3);
  run.Pass(1.15);
  StepDecision decision;
  decision.step = run.step;
  decision.apply_step = run.step + 1;
  decision.actions = {RestoreAction{.id = 1}, PerturbAction()};
  Replay(run.state, decision);
  run.step += 1;
  run.Step(1.15);
  EXPECT_EQ(run.state.rung, 1u);
  EXPECT_EQ(run.state.incumbent.mean_loss, 1.15);
}

}  // namespace
}  // namespace lehr

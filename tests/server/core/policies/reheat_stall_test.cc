#include "server/core/policies/reheat_stall.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/server/core/policies/stuck_run.h"

namespace lehr {
namespace {

// --- With noise. 20 steps a pass, so a stall takes at least max(5, 25 / 20) passes. ---

TEST(ReheatStall, AFlatLossIsAStall) {
  Stuck run;
  run.Pass(2.3);
  const Proposal proposal = run.PassesUntilItActs(1.15);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallFlat);
  EXPECT_EQ(proposal.reason.value, 0);
  EXPECT_EQ(proposal.reason.limit, 0.02);
  // The first pass is an improvement, five without one follow.
  EXPECT_EQ(run.passes, 6);
}

TEST(ReheatStall, BeforeThatItIsTooEarly) {
  Stuck run;
  run.Pass(2.3);
  run.Pass(1.15);
  const Proposal proposal = run.Pass(1.15);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kImproving);
  EXPECT_EQ(proposal.reason.value, 1);
  EXPECT_EQ(proposal.reason.limit, 5);
}

// Before anything was learned: 200 steps, and within a thousandth.
TEST(ReheatStall, AFlatBeginningIsAStallOnlyAfterTwoHundredSteps) {
  Stuck run;
  const Proposal proposal = run.PassesUntilItActs(2.3);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallFlat);
  EXPECT_EQ(proposal.reason.limit, 0.001);
  EXPECT_EQ(run.passes, 11);
}

// Two spirals in batches of 20: the loss has to lose a tenth before it falls fast.
double SlowStart(int pass) { return 0.695 - 0.0001 * pass - 0.000002 * pass * pass; }

TEST(ReheatStall, ASlowStartIsNoStall) {
  Stuck run(/*losses_per_step=*/kExamples / 10);
  for (int pass = 0; pass < 200; ++pass) {
    ASSERT_FALSE(ChangesParameters(run.Pass(SlowStart(pass)).actions)) << pass;
  }
}

// The noise hides the fall from one pass to the next.
TEST(ReheatStall, ANoisySlowStartIsNoStall) {
  Stuck run(/*losses_per_step=*/kExamples / 10);
  for (int pass = 0; pass < 200; ++pass) {
    const double noise = 0.002 * (std::fmod(0.618034 * pass, 1.0) - 0.5);
    ASSERT_FALSE(ChangesParameters(run.Pass(SlowStart(pass) + noise).actions)) << pass;
  }
}

// Noise that a flat beginning may not have: it does not improve, so it is a stall in the end.
TEST(ReheatStall, ANoisyBeginningThatDoesNotImproveIsAStallAfterAHundredPasses) {
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
TEST(ReheatStall, AfterTheFirstStallAFlatBeginningTakesNoLongerThanAnother) {
  Stuck run;
  run.PassesUntilItActs(2.3);
  EXPECT_EQ(run.PassesUntilItActs(2.3).reason.limit, 0.02);
  EXPECT_EQ(run.passes, 6);
}

TEST(ReheatStall, AnImprovingLossIsNoStall) {
  Stuck run;
  for (double mean = 2.3; mean > 0.2; mean *= 0.985) {
    ASSERT_FALSE(ChangesParameters(run.Pass(mean).actions)) << mean;
  }
}

// 0.3 % a pass: a one-percent improvement every four passes, as a slow but healthy net makes it.
TEST(ReheatStall, ASlowlyImprovingLossIsNoStall) {
  Stuck run;
  for (double mean = 2.3; mean > 0.2; mean *= 0.997) {
    ASSERT_FALSE(ChangesParameters(run.Pass(mean).actions)) << mean;
  }
}

// A decaying learning rate: the loss approaches 1 like 1 + 1/age, and its noise fades. The trend
// over an attempt as long as this one would still move it.
TEST(ReheatStall, NoImprovementWhileTheLossStillMovesIsAStallOnlyAfterAThirdOfTheAttempt) {
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

TEST(ReheatStall, ALossThatRoseAndStaysThereHasCollapsed) {
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
TEST(ReheatStall, AShortLeapIsNoCollapse) {
  Stuck run(/*losses_per_step=*/kExamples / 10);
  for (int pass = 0; pass < 40; ++pass) {
    run.Pass(2.3 * std::pow(0.96, pass));
  }
  for (int pass = 1; pass < 10; ++pass) {
    ASSERT_FALSE(ChangesParameters(run.Pass(2.4 - 0.1 * pass).actions)) << pass;
  }
  EXPECT_EQ(run.Pass(1.4).reason.code, ReasonCode::kStallCollapsed);
}

TEST(ReheatStall, AConvergedRunIsNoStall) {
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
TEST(ReheatStall, ALossThatFewExamplesCarryIsNoStall) {
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

// --- With noise, and it is known whether losses tie. ---

// 20 steps a pass.
TEST(ReheatStall, DeadDataIsAStallAfterTwoHundredSteps) {
  Stuck run;
  run.tied = 0.02;
  const Proposal proposal = run.PassesUntilItActs(2.3);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallDead);
  // From 0, a tenth nearer to 0.02 each pass.
  EXPECT_NEAR(proposal.reason.value, 0.02 * (1 - std::pow(0.9, 10)), 1e-12);
  EXPECT_EQ(proposal.reason.limit, 0.01);
  EXPECT_EQ(run.passes, 10);
}

TEST(ReheatStall, ItTakesThreePassesWithoutImprovementHoweverLongTheyAre) {
  Stuck run(/*losses_per_step=*/kExamples / 500);
  run.tied = 1;
  EXPECT_EQ(run.PassesUntilItActs(2.3).reason.code, ReasonCode::kStallDead);
  EXPECT_EQ(run.passes, 4);
}

// 2 % better each pass.
TEST(ReheatStall, ARunThatImprovesMayHaveDeadDataUntilItPauses) {
  Stuck run;
  run.tied = 0.5;
  for (int pass = 0; pass < 30; ++pass) {
    ASSERT_FALSE(ChangesParameters(run.Pass(2.3 * std::pow(0.98, pass)).actions)) << pass;
  }
  EXPECT_EQ(run.Pass(2.3 * std::pow(0.98, 29)).reason.code, ReasonCode::kImproving);
  EXPECT_EQ(run.PassesUntilItActs(2.3 * std::pow(0.98, 29)).reason.code, ReasonCode::kStallDead);
  EXPECT_EQ(run.passes, 2);
}

// A twentieth of the attempt: with 100 passes before it, since >= 0.05 (100 + since) at 6.
TEST(ReheatStall, ThePauseIsLongerInALongAttempt) {
  Stuck run;
  run.tied = 0.5;
  for (int pass = 0; pass < 100; ++pass) {
    run.Pass(2.3 * std::pow(0.98, pass));
  }
  EXPECT_EQ(run.PassesUntilItActs(2.3 * std::pow(0.98, 99)).reason.code, ReasonCode::kStallDead);
  EXPECT_EQ(run.passes, 6);
}

// Far above its best for five passes, a run would have collapsed.
TEST(ReheatStall, NorDoesALeapEndThePauseSooner) {
  Stuck run;
  run.tied = 0.5;
  for (int pass = 0; pass < 100; ++pass) {
    run.Pass(2.3 * std::pow(0.98, pass));
  }
  Stuck waits = run;
  for (int pass = 0; pass < 5; ++pass) {
    EXPECT_NE(waits.Pass(1.5).reason.code, ReasonCode::kNothingDead);
  }
  EXPECT_EQ(run.PassesUntilItActs(1.5).reason.code, ReasonCode::kStallDead);
  EXPECT_EQ(run.passes, 6);
}

TEST(ReheatStall, APassWithTiesIsNoDeadData) {
  Stuck run;
  run.Pass(2.3);
  for (int pass = 0; pass < 100; ++pass) {
    run.tied = pass % 20 == 0 ? 0.08 : 0.0;
    ASSERT_FALSE(ChangesParameters(run.Pass(1.15).actions)) << pass;
  }
}

// 0.02 of a mean of 0.2 is less than 0.002 of 2.3; of one of 0.25 it is more.
TEST(ReheatStall, DeadDataThatCarryLittleOfTheFirstLossAreNoStall) {
  for (const double mean : {0.2, 0.25}) {
    Stuck run;
    run.tied = 0.02;
    run.Pass(2.3);
    run.PassesUntilItActs(mean, /*most=*/100);
    EXPECT_EQ(run.passes <= 100, mean == 0.25);
  }
}

TEST(ReheatStall, ANewAttemptIsJudgedByItsOwnTies) {
  Stuck run;
  run.tied = 0.5;
  run.PassesUntilItActs(2.3);
  run.tied = 0;
  for (int pass = 0; pass < 30; ++pass) {
    ASSERT_FALSE(ChangesParameters(run.Pass(2.3 * std::pow(0.98, pass)).actions)) << pass;
  }
}

// It has converged to what no parameters lower: labels that are wrong, say.
TEST(ReheatStall, ARunThatLearnedAndHasNoDeadDataIsNotStuck) {
  for (const uint64_t losses_per_step : {kExamples / 20, kExamples}) {
    Stuck run(losses_per_step);
    run.tied = 0;
    run.Pass(2.3);
    Proposal proposal;
    for (int pass = 0; pass < 500; ++pass) {
      proposal = run.Pass(1.15);
      ASSERT_FALSE(ChangesParameters(proposal.actions)) << pass;
    }
    EXPECT_EQ(proposal.reason.code, ReasonCode::kNothingDead);
    EXPECT_EQ(proposal.reason.value, 0);
    EXPECT_EQ(proposal.reason.limit, 0.01);
  }
}

// Nor is one whose loss has leapt up: it comes back by itself.
TEST(ReheatStall, NorIsOneThatLeapt) {
  Stuck run;
  run.tied = 0;
  run.Pass(2.3);
  run.Pass(0.5);
  for (int pass = 0; pass < 100; ++pass) {
    ASSERT_FALSE(ChangesParameters(run.Pass(5).actions)) << pass;
  }
}

TEST(ReheatStall, ARunThatLearnedNothingIsStuckWithoutDeadDataToo) {
  Stuck run;
  run.tied = 0;
  EXPECT_EQ(run.PassesUntilItActs(2.3).reason.code, ReasonCode::kStallFlat);
  EXPECT_EQ(run.passes, 11);
}

TEST(ReheatStall, OnceItHasStalledTheMeanAloneIsEnough) {
  Stuck run;
  run.tied = 0.5;
  run.PassesUntilItActs(2.3);
  run.tied = 0;
  EXPECT_EQ(run.PassesUntilItActs(1.15).reason.code, ReasonCode::kStallFlat);
}

// --- Without noise: every step sees the whole data set. ---

// A slow start: at each step it is at its best.
TEST(ReheatStall, AFullBatchThatFallsEverSoSlowlyIsNoStall) {
  for (const double rate : {1e-6, 1e-5, 1e-4}) {
    Stuck run(/*losses_per_step=*/kExamples);
    for (int step = 0; step < 2000; ++step) {
      ASSERT_FALSE(ChangesParameters(run.Pass(2.3 * std::exp(-rate * step)).actions)) << step;
    }
  }
}

// With noise that is chance.
TEST(ReheatStall, ButInMiniBatchesSoSlowAFallIsNone) {
  Stuck run(/*losses_per_step=*/kExamples / 2);
  Proposal proposal;
  for (int pass = 0; pass < 1000 && !ChangesParameters(proposal.actions); ++pass) {
    proposal = run.Pass(2.3 * std::exp(-1e-6 * pass));
  }
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallFlat);
}

TEST(ReheatStall, AFullBatchThatDoesNotMoveAtAllIsAStall) {
  Stuck run(/*losses_per_step=*/kExamples);
  EXPECT_EQ(run.PassesUntilItActs(2.3).reason.code, ReasonCode::kStallFlat);
}

TEST(ReheatStall, OnceAFullBatchHasStalledToFallSlowlyIsNotEnough) {
  Stuck run(/*losses_per_step=*/kExamples);
  run.PassesUntilItActs(2.3);
  Proposal proposal;
  for (int step = 0; step < 1000 && !ChangesParameters(proposal.actions); ++step) {
    proposal = run.Pass(2.3 * std::exp(-1e-6 * step));
  }
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallFlat);
}

// --- A handful of examples, all of them in every step. ---

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
TEST(ReheatStall, AHandfulThatDoesNotMoveIsAStall) {
  Stuck run = HandfulOfExamples();
  const Proposal proposal = run.PassesUntilItActs(2.3);
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallBound);
  EXPECT_EQ(run.passes, 29);
}

// Two steps a pass have noise, and of sixteen losses ties tell.
TEST(ReheatStall, OnlyAHandfulInOneStepIsJudgedByItsCurve) {
  for (const auto& [losses_per_step, examples] : {std::pair(2, 4), {8, 16}, {16, 16}, {15, 15}}) {
    Stuck run(losses_per_step, /*snapshot_capacity=*/2, examples);
    EXPECT_EQ(run.PassesUntilItActs(2.3).reason.code,
              examples == 15 ? ReasonCode::kStallBound : ReasonCode::kStallFlat);
  }
}

// 0.5 + 0.5 exp(-t / 10), as XOR falls to the plateau where two of four examples are dead. Twelve
// hundredths of the loss are left at 0.5682, in step 20; five observations in a row are needed, and
// the newest whole block is one of at most four steps.
TEST(ReheatStall, AHandfulBoundForAPlateauIsAStallBeforeItIsThere) {
  Stuck run = HandfulOfExamples();
  const Proposal proposal =
      StepsUntilItActs(run, 1000, [](int t) { return 0.5 + 0.5 * std::exp(-t / 10.0); });
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallBound);
  EXPECT_GT(proposal.reason.value, 0.51);
  EXPECT_NEAR(proposal.reason.limit, 0.5, 0.01);
  EXPECT_GE(run.passes, 24);
  EXPECT_LE(run.passes, 28);
}

// The same curve a hundred times slower, as with a learning rate of a hundredth: still a stall, and
// no sooner in its own time.
TEST(ReheatStall, TheLearningRateDoesNotMatterToThat) {
  Stuck run = HandfulOfExamples();
  const Proposal proposal =
      StepsUntilItActs(run, 100'000, [](int t) { return 0.5 + 0.5 * std::exp(-t / 1000.0); });
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallBound);
  EXPECT_GT(run.passes, 1600);
}

// The output's bias is learned within ten steps, then the rest, slowly.
TEST(ReheatStall, TheShortFallAtTheBeginningIsNoStall) {
  Stuck run = HandfulOfExamples();
  StepsUntilItActs(run, 3000,
                   [](int t) { return 0.05 * std::exp(-t / 10.0) + 2.25 * std::exp(-t / 1000.0); });
  EXPECT_EQ(run.passes, 3000);
}

TEST(ReheatStall, AHandfulThatFallsEverSoSlowlyIsNoStall) {
  for (const double rate : {1e-4, 1e-3, 1e-2}) {
    Stuck run = HandfulOfExamples();
    StepsUntilItActs(run, 2000, [&](int t) { return 2.3 * std::exp(-rate * t); });
    EXPECT_EQ(run.passes, 2000) << rate;
  }
  Stuck run = HandfulOfExamples();
  StepsUntilItActs(run, 2000, [&](int t) { return 2.3 / std::sqrt(1 + t / 300.0); });
  EXPECT_EQ(run.passes, 2000) << "power law";
  Stuck begins = HandfulOfExamples();
  StepsUntilItActs(begins, 1000, [&](int t) { return 2.3 - 1e-6 * t * t; });
  EXPECT_EQ(begins.passes, 1000) << "falls faster and faster";
}

// As it jumps about at too large a learning rate: no curve to judge by. The jumps are the golden
// ratio's, which repeat at no distance.
TEST(ReheatStall, AHandfulThatOnlyJumpsAboutIsAStallAfterAHundredSteps) {
  Stuck run = HandfulOfExamples();
  const Proposal proposal =
      StepsUntilItActs(run, 1000, [](int t) { return 1 + 0.2 * std::fmod(0.618034 * t, 1.0); });
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallSlow);
  EXPECT_EQ(proposal.reason.limit, 100);
  EXPECT_GE(run.passes, 100);
}

TEST(ReheatStall, OnceAHandfulHasStalledItMustImproveAllTheTime) {
  Stuck run = HandfulOfExamples();
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

TEST(ReheatStall, AndItsPatienceDoublesWithFortyEightStalls) {
  Stuck run = HandfulOfExamples();
  run.Pass(2.3);
  run.PassesUntilItActs(1.15);
  run.state.stalls = 48 - 1;
  EXPECT_EQ(run.PassesUntilItActs(1.15).reason.limit, 6);
}

TEST(ReheatStall, AHandfulThatRoseAndStaysThereHasCollapsed) {
  Stuck run = HandfulOfExamples();
  StepsUntilItActs(run, 40, [](int t) { return 2.3 * std::pow(0.96, t); });
  const Proposal proposal =
      StepsUntilItActs(run, 1000, [](int t) { return 2 + std::fmod(0.618034 * t, 1.0); });
  EXPECT_EQ(proposal.reason.code, ReasonCode::kStallCollapsed);
  EXPECT_EQ(run.passes, 24);
}

}  // namespace
}  // namespace lehr

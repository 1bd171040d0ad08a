// Generations that measure the whole data set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/server/core/fine_losses.h"
#include "tests/server/core/generation_fixture.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

GenerationSpec DatasetSpec(uint32_t world_size, uint64_t dataset_examples,
                           uint32_t table_examples = 1000) {
  GenerationSpec spec = Spec(world_size);
  spec.settings.scope = LossScope::kDataset;
  spec.settings.dataset_examples = dataset_examples;
  spec.settings.table_examples = table_examples;
  return spec;
}

StepReport Examples(int64_t step, std::vector<ExampleLoss> examples) {
  StepReport report;
  report.step = step;
  report.examples = std::move(examples);
  return report;
}

// Of examples [begin, end), each with `loss`.
StepReport ExamplesFrom(int64_t step, uint64_t begin, uint64_t end, float loss = 1) {
  std::vector<ExampleLoss> examples;
  for (uint64_t id = begin; id < end; ++id) {
    examples.push_back({id, loss});
  }
  return Examples(step, std::move(examples));
}

StepDecision DecisionAt(Generation& generation, StepReport report) {
  return *ClosedBy(generation.Report(0, std::move(report), kStart)).at(0).decision;
}

// 3 on one of four examples, 0 on the others, in two batches: M = 3, I = 1, T = 3.
TEST(GenerationDataset, TheObservationIsOfAllExamplesThatAreKnown) {
  Generation generation = Joined(DatasetSpec(1, 4));
  DecisionAt(generation, Examples(0, {{10, 3}, {11, 5}}));
  const StepDecision decision = DecisionAt(generation, Examples(1, {{11, 0}, {12, 0}, {13, 0}}));
  EXPECT_EQ(decision.observation.temperature.count, 4u);
  EXPECT_EQ(decision.observation.temperature.temperature, 3);
  EXPECT_EQ(decision.observation.max, 3);
  EXPECT_EQ(decision.observation.quantiles, (LossQuantiles{0, 0, 3}));
  EXPECT_EQ(decision.observation.coverage, 1);
  EXPECT_EQ(decision.observation.highest.at(0), (ExampleLoss{10, 3}));
  EXPECT_EQ(decision.reason.code, ReasonCode::kActed);
  EXPECT_EQ(std::get<PerturbAction>(decision.actions.at(0)).stddev, 3);
}

TEST(GenerationDataset, BelowNinetyFivePercentNothingActs) {
  Generation generation = Joined(DatasetSpec(1, 100));
  DecisionAt(generation, Examples(0, {{0, 3}}));
  const StepDecision cold = DecisionAt(generation, ExamplesFrom(1, 1, 94));
  EXPECT_EQ(cold.reason.code, ReasonCode::kWarmingUp);
  EXPECT_DOUBLE_EQ(cold.reason.value, 0.94);
  EXPECT_EQ(cold.reason.limit, 0.95);
  EXPECT_DOUBLE_EQ(cold.observation.coverage, 0.94);
  EXPECT_THAT(cold.actions, IsEmpty());
  EXPECT_THAT(cold.withheld, IsEmpty());
  EXPECT_GT(cold.observation.temperature.temperature, 0);
  const StepDecision warm = DecisionAt(generation, ExamplesFrom(2, 94, 95));
  EXPECT_EQ(warm.reason.code, ReasonCode::kActed);
}

TEST(GenerationDataset, CoverageIsOfWhatTheTableCanHold) {
  Generation generation = Joined(DatasetSpec(1, uint64_t{1} << 40, /*table_examples=*/10));
  EXPECT_DOUBLE_EQ(DecisionAt(generation, ExamplesFrom(0, 0, 4)).observation.coverage, 0.4);
  EXPECT_EQ(DecisionAt(generation, ExamplesFrom(1, 0, 500)).observation.coverage, 1);
  EXPECT_EQ(DecisionAt(generation, ExamplesFrom(2, 0, 500)).observation.temperature.count, 10u);
}

// The trainer said less than it has.
TEST(GenerationDataset, CoverageIsAtMostOne) {
  Generation generation = Joined(DatasetSpec(1, 3));
  EXPECT_EQ(DecisionAt(generation, ExamplesFrom(0, 0, 9)).observation.coverage, 1);
}

TEST(GenerationDataset, AnExampleOfTwoRanksCountsOnceWithItsGreatestLoss) {
  const auto decide = [](std::vector<uint32_t> order) {
    Generation generation = Joined(DatasetSpec(2, 2));
    std::vector<ClosedStep> closed;
    for (const uint32_t rank : order) {
      closed = ClosedBy(generation.Report(
          rank, Examples(0, {{7, rank == 0 ? 3.0f : 2.0f}, {8, rank == 0 ? 0.0f : 0.5f}}), kStart));
    }
    return closed.at(0).decision->observation;
  };
  EXPECT_THAT(decide({0, 1}).highest, ElementsAre(ExampleLoss{7, 3}, ExampleLoss{8, 0.5f}));
  EXPECT_EQ(decide({0, 1}).temperature, decide({1, 0}).temperature);
}

TEST(GenerationDataset, UnusableLossesAreThoseOfTheStep) {
  Generation generation = Joined(DatasetSpec(1, 2));
  EXPECT_EQ(DecisionAt(generation, Examples(0, {{1, 3}, {2, -1}})).observation.excluded.negative,
            1u);
  const Observation next = DecisionAt(generation, Examples(1, {{2, 0}})).observation;
  EXPECT_EQ(next.excluded.negative, 0u);
  EXPECT_EQ(next.temperature.temperature, 3);
}

// Those of the table may be old: a step does not tie because another did.
TEST(GenerationDataset, TiedLossesAreThoseOfTheStep) {
  Generation generation = Joined(DatasetSpec(1, 32));
  StepReport dead = ExamplesFrom(0, 0, 16);
  dead.tied.AddReport(Fine(std::vector<float>(16, 1)));
  EXPECT_EQ(DecisionAt(generation, std::move(dead)).observation.tied_share, 1);
  EXPECT_EQ(DecisionAt(generation, ExamplesFrom(1, 16, 17)).observation.tied_share, std::nullopt);
}

TEST(GenerationDataset, ALateReportStaysOutOfTheTable) {
  Generation generation = Joined(DatasetSpec(3, 10));
  generation.Report(0, Examples(0, {{1, 1}}), kStart);
  generation.Report(1, Examples(0, {{2, 1}}), kStart);
  generation.Tick(kStart + kStraggler);
  generation.Report(2, Examples(0, {{3, 9}}), kStart + kStraggler);
  generation.Report(0, Examples(1, {{1, 1}}), kStart + kStraggler);
  generation.Report(1, Examples(1, {{2, 1}}), kStart + kStraggler);
  const auto closed = ClosedBy(generation.Report(2, Examples(1, {{4, 1}}), kStart + kStraggler));
  EXPECT_EQ(closed.at(0).decision->observation.temperature.count, 3u);
  EXPECT_EQ(closed.at(0).decision->observation.max, 1);
}

TEST(GenerationDataset, DeadExamplesAreObserved) {
  Generation generation = Joined(DatasetSpec(1, 4));
  StepDecision decision;
  for (int64_t step = 0; step < 9; ++step) {
    decision = DecisionAt(generation, Examples(step, {{0, 0}, {1, 0}, {2, 1}, {3, 0}}));
  }
  EXPECT_EQ(decision.observation.dead_examples, 1u);
  EXPECT_THAT(decision.observation.dead, ElementsAre(ExampleLoss{2, 1}));
}

// The latest losses were only in memory.
TEST(GenerationDataset, AfterARestartItWarmsUpAgain) {
  Generation generation(DatasetSpec(1, 4), {.decided_through = 7}, /*clean_stop=*/true, kStart);
  generation.Connect(0, Hello("p", /*highest_step=*/7), kStart);
  EXPECT_EQ(DecisionAt(generation, ExamplesFrom(8, 0, 3)).reason.code, ReasonCode::kWarmingUp);
  EXPECT_NE(DecisionAt(generation, ExamplesFrom(9, 3, 4)).reason.code, ReasonCode::kWarmingUp);
}

// Two batches of two make a pass; the loss that is NaN is none of it.
TEST(GenerationDataset, ReheatLooksOnceAPassOverTheDataSet) {
  GenerationSpec spec = DatasetSpec(1, 4);
  spec.settings.policy.rule = ReheatPolicy();
  Generation generation = Joined(spec);
  DecisionAt(generation, ExamplesFrom(0, 0, 2));
  EXPECT_NE(DecisionAt(generation, ExamplesFrom(1, 2, 4)).reason.code, ReasonCode::kWarmingUp);
  for (const int64_t step : {2, 4}) {
    std::vector<ReasonCode> codes;
    for (const uint64_t begin : {0, 2}) {
      codes.push_back(
          DecisionAt(generation, ExamplesFrom(step + begin / 2, begin, begin + 2)).reason.code);
    }
    EXPECT_EQ(std::count(codes.begin(), codes.end(), ReasonCode::kPassUnderWay), 1) << step;
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  DecisionAt(generation, Examples(6, {{0, 1}, {1, nan}}));
  DecisionAt(generation, Examples(7, {{2, 1}, {3, 1}}));
  const StepDecision under_way = DecisionAt(generation, Examples(8, {{1, nan}}));
  EXPECT_EQ(under_way.reason.code, ReasonCode::kPassUnderWay);
  EXPECT_EQ(under_way.reason.limit, 4);
}

// Two batches of sixteen make a pass, and all losses tie.
StepDecision ActOnDeadData(const GenerationSpec& spec) {
  Generation generation = Joined(spec);
  for (int64_t step = 0; step < 1000; ++step) {
    const uint64_t begin = step % 2 == 0 ? 0 : 16;
    StepReport report = ExamplesFrom(step, begin, begin + 16, 0.7F);
    report.tied.AddReport(std::vector<float>(16, 0.7F));
    StepDecision decision = DecisionAt(generation, std::move(report));
    if (ChangesParameters(decision.actions)) {
      return decision;
    }
  }
  return {};
}

TEST(GenerationDataset, ReheatActsOnDeadDataAndSetsTheIdentityWhereATensorIsSquare) {
  GenerationSpec spec = DatasetSpec(1, 32);
  spec.settings.policy.rule = ReheatPolicy();
  for (const bool square : {false, true}) {
    spec.has_square_tensor = square;
    const StepDecision decision = ActOnDeadData(spec);
    EXPECT_EQ(decision.reason.code, ReasonCode::kStallDead);
    EXPECT_EQ(std::count_if(decision.actions.begin(), decision.actions.end(),
                            [](const Action& action) {
                              return std::holds_alternative<IdentityAction>(action);
                            }),
              square ? 1 : 0);
  }
}

TEST(GenerationDataset, AStepOfTooManyLossesIsRefused) {
  Generation generation = Joined(DatasetSpec(2, 4));
  generation.Report(0, ExamplesFrom(0, 0, kMaxStepExamples), kStart);
  const auto refused = std::get<ReportRefused>(generation.Report(1, Examples(0, {{1, 1}}), kStart));
  EXPECT_EQ(refused.code, RefusalCode::kInvalid);
  EXPECT_THAT(refused.message, HasSubstr("step 0 has 4194305 losses"));
}

// Rank 0 runs ahead until memory is full. The others can still report the oldest step.
TEST(GenerationDataset, ARankThatRunsAheadIsRefusedBeforeItShutsOutTheOthers) {
  Generation generation = Joined(DatasetSpec(3, 4));
  const uint64_t half = kMaxOpenExamples / 2;
  generation.Report(0, ExamplesFrom(0, 0, half), kStart);
  generation.Report(0, ExamplesFrom(1, 0, half), kStart);
  const auto refused = std::get<ReportRefused>(generation.Report(0, Examples(2, {{1, 1}}), kStart));
  EXPECT_EQ(refused.code, RefusalCode::kOutsideWindow);
  EXPECT_THAT(refused.message, HasSubstr("4194305 losses"));
  EXPECT_THAT(ClosedBy(generation.Report(1, ExamplesFrom(0, 0, half), kStart)), IsEmpty());
}

}  // namespace
}  // namespace lehr

#include "server/relay/node_barrier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/core/fine_losses.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kWait = absl::Seconds(5);
const absl::Time kNoon = absl::UnixEpoch() + absl::Hours(12);

// "step:rank,rank" of each.
std::vector<std::string> Names(const NodeBarrier::Steps& steps) {
  std::vector<std::string> names;
  for (const NodeStep& step : steps) {
    std::string name = std::to_string(step.sum.step) + ":";
    for (const v1::MemberReport& member : step.members) {
      name += (name.back() == ':' ? "" : ",") + std::to_string(member.rank());
    }
    names.push_back(name);
  }
  return names;
}

absl::StatusOr<NodeBarrier::Steps> Try(NodeBarrier& barrier, uint32_t rank, int64_t step,
                                       float loss = 1, absl::Time now = kNoon) {
  v1::MemberReport member;
  member.set_rank(rank);
  member.set_digest(static_cast<uint64_t>(loss));
  StepReport report;
  report.step = step;
  report.losses.Add({loss});
  report.top.Add({loss}, {rank});
  return barrier.Report(std::move(member), std::move(report), now);
}

NodeBarrier::Steps Report(NodeBarrier& barrier, uint32_t rank, int64_t step, float loss = 1,
                          absl::Time now = kNoon) {
  absl::StatusOr<NodeBarrier::Steps> steps = Try(barrier, rank, step, loss, now);
  EXPECT_TRUE(steps.ok()) << steps.status();
  return *std::move(steps);
}

NodeBarrier BarrierOf(std::vector<uint32_t> ranks) {
  NodeBarrier barrier(kWait);
  for (const uint32_t rank : ranks) {
    barrier.Connect(rank, /*reported_through=*/-1);
  }
  return barrier;
}

TEST(NodeBarrier, AStepGoesUpOnceAllRanksHaveReportedIt) {
  NodeBarrier barrier = BarrierOf({4, 2, 7});
  EXPECT_THAT(Report(barrier, 7, 0, 1), IsEmpty());
  EXPECT_THAT(Report(barrier, 2, 0, 2), IsEmpty());
  const NodeBarrier::Steps steps = Report(barrier, 4, 0, 3);
  EXPECT_THAT(Names(steps), ElementsAre("0:2,4,7"));
  LossStatistics expected;
  expected.Add({3, 1, 2});
  EXPECT_EQ(steps[0].sum.losses, expected);
  EXPECT_EQ(steps[0].sum.top.max(), 3);
  EXPECT_EQ(barrier.NextDeadline(), absl::InfiniteFuture());
}

// 1 + ... + 14 and 8 twice again: 24 of 121 tie; and 16 losses of 1.
TEST(NodeBarrier, TheTiedLossesOfTheReportsAreSummed) {
  NodeBarrier barrier = BarrierOf({0, 1});
  const auto report = [&barrier](uint32_t rank, const std::vector<float>& losses) {
    v1::MemberReport member;
    member.set_rank(rank);
    StepReport own;
    own.tied.AddReport(Fine(losses));
    return *barrier.Report(std::move(member), std::move(own), kNoon);
  };
  report(0, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 8, 8});
  const NodeBarrier::Steps steps = report(1, std::vector<float>(16, 1));
  ASSERT_THAT(Names(steps), ElementsAre("0:0,1"));
  EXPECT_EQ(steps[0].sum.tied.share(), 40.0 / 137);
}

// Sent again, it says what has become of a command since.
TEST(NodeBarrier, WhatIsSentAgainAddsItsWords) {
  NodeBarrier barrier = BarrierOf({0, 1});
  const auto report = [&](uint32_t rank, std::optional<int64_t> outcome, uint64_t snapshot) {
    v1::MemberReport member;
    member.set_rank(rank);
    member.set_digest(1);
    if (outcome) {
      member.mutable_outcome()->set_step(*outcome);
    }
    member.add_snapshots(snapshot);
    return *barrier.Report(std::move(member), StepReport(), kNoon);
  };
  report(0, std::nullopt, 1);
  report(0, 7, 1);
  report(0, std::nullopt, 2);
  const NodeBarrier::Steps steps = report(1, std::nullopt, 1);
  ASSERT_THAT(Names(steps), ElementsAre("0:0,1"));
  EXPECT_EQ(steps[0].members[0].outcome().step(), 7);
  EXPECT_THAT(steps[0].members[0].snapshots(), ElementsAre(2));
}

TEST(NodeBarrier, StepsGoUpInTheirOrder) {
  NodeBarrier barrier = BarrierOf({0, 1});
  Report(barrier, 0, 0);
  Report(barrier, 0, 1);
  EXPECT_THAT(Names(Report(barrier, 1, 1)), ElementsAre("0:0", "1:0,1"));
}

TEST(NodeBarrier, AStragglerIsWaitedForOnce) {
  NodeBarrier barrier = BarrierOf({0, 1});
  Report(barrier, 0, 0);
  EXPECT_EQ(barrier.NextDeadline(), kNoon + kWait);
  EXPECT_THAT(barrier.Tick(kNoon + kWait - absl::Nanoseconds(1)), IsEmpty());
  EXPECT_THAT(Names(barrier.Tick(kNoon + kWait)), ElementsAre("0:0"));
  // Silent from now on,
  EXPECT_THAT(Names(Report(barrier, 0, 1)), ElementsAre("1:0"));
  // and late.
  EXPECT_THAT(Names(Report(barrier, 1, 0)), ElementsAre("0:1"));
  // It has reported, so it is waited for again.
  EXPECT_THAT(Report(barrier, 0, 2), IsEmpty());
  EXPECT_THAT(Names(Report(barrier, 1, 2)), ElementsAre("2:0,1"));
}

TEST(NodeBarrier, APauseIsWaitedFor) {
  NodeBarrier barrier = BarrierOf({0, 1});
  barrier.Pause(1, kNoon + absl::Hours(1));
  Report(barrier, 0, 0);
  EXPECT_EQ(barrier.NextDeadline(), kNoon + absl::Hours(1));
  EXPECT_THAT(barrier.Tick(kNoon + kWait), IsEmpty());
  EXPECT_THAT(Names(barrier.Tick(kNoon + absl::Hours(1))), ElementsAre("0:0"));
}

// The pause of a rank that has reported does not count.
TEST(NodeBarrier, AReportEndsAPause) {
  NodeBarrier barrier = BarrierOf({0, 1});
  barrier.Pause(0, kNoon + absl::Hours(1));
  Report(barrier, 0, 0);
  EXPECT_EQ(barrier.NextDeadline(), kNoon + kWait);
}

// Its losses must not go up after the word that it is gone.
TEST(NodeBarrier, WhatARankHasReportedGoesUpBeforeItGoes) {
  NodeBarrier barrier = BarrierOf({0, 1});
  Report(barrier, 0, 0);
  Report(barrier, 0, 1);
  EXPECT_THAT(Names(barrier.Disconnect(0, kNoon)), ElementsAre("0:0", "1:0"));
  EXPECT_THAT(Names(Report(barrier, 1, 1)), ElementsAre("1:1"));
}

TEST(NodeBarrier, ARankThatIsGoneIsNotWaitedFor) {
  NodeBarrier barrier = BarrierOf({0, 1});
  Report(barrier, 0, 0);
  EXPECT_THAT(Names(barrier.Disconnect(1, kNoon)), ElementsAre("0:0"));
  EXPECT_THAT(Names(Report(barrier, 0, 1)), ElementsAre("1:0"));
}

// The supervisor may have counted step 5 already, which a sum could not tell.
TEST(NodeBarrier, WhatMayHaveGoneUpBeforeGoesAlone) {
  NodeBarrier barrier(kWait);
  barrier.Connect(0, /*reported_through=*/5);
  barrier.Connect(1, /*reported_through=*/4);
  EXPECT_THAT(Names(Report(barrier, 0, 5)), ElementsAre("5:0"));
  EXPECT_THAT(Report(barrier, 0, 6), IsEmpty());
  EXPECT_THAT(Names(Report(barrier, 1, 6)), ElementsAre("6:0,1"));
}

TEST(NodeBarrier, AReportSentAgainCountsOnce) {
  NodeBarrier barrier = BarrierOf({0, 1});
  Report(barrier, 0, 0);
  barrier.Connect(0, /*reported_through=*/0);
  EXPECT_THAT(Report(barrier, 0, 0), IsEmpty());
  const NodeBarrier::Steps steps = Report(barrier, 1, 0);
  EXPECT_THAT(Names(steps), ElementsAre("0:0,1"));
  EXPECT_EQ(steps[0].sum.losses.count(), 2u);
}

TEST(NodeBarrier, OtherLossesOfAStepThatWaitsAreRefused) {
  NodeBarrier barrier = BarrierOf({0, 1});
  Report(barrier, 0, 0, /*loss=*/1);
  EXPECT_EQ(Try(barrier, 0, 0, /*loss=*/2).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Report(barrier, 1, 0)[0].sum.top.max(), 1);
}

TEST(NodeBarrier, KeepsABoundedNumberOfSteps) {
  NodeBarrier barrier = BarrierOf({0, 1});
  for (int64_t step = 0; step < kMaxOpenSteps; ++step) {
    EXPECT_THAT(Report(barrier, 0, step), IsEmpty());
  }
  EXPECT_THAT(Names(Report(barrier, 0, kMaxOpenSteps)), ElementsAre("0:0"));
}

NodeBarrier::Steps ReportExamples(NodeBarrier& barrier, uint32_t rank, int64_t step, size_t count) {
  v1::MemberReport member;
  member.set_rank(rank);
  member.set_digest(1);
  StepReport report;
  report.step = step;
  report.examples.resize(count, {.example_id = rank, .loss = 1});
  return *barrier.Report(std::move(member), std::move(report), kNoon);
}

TEST(NodeBarrier, LossesOfExamplesGoUpTogether) {
  NodeBarrier barrier = BarrierOf({0, 1});
  EXPECT_THAT(ReportExamples(barrier, 1, 0, 2), IsEmpty());
  const NodeBarrier::Steps steps = ReportExamples(barrier, 0, 0, 1);
  EXPECT_THAT(Names(steps), ElementsAre("0:0,1"));
  EXPECT_EQ(steps[0].sum.examples.size(), 3u);
}

TEST(NodeBarrier, KeepsABoundedNumberOfLossesOfExamples) {
  NodeBarrier barrier = BarrierOf({0, 1});
  EXPECT_THAT(ReportExamples(barrier, 0, 0, 1), IsEmpty());
  EXPECT_THAT(ReportExamples(barrier, 0, 1, kMaxOpenExamples - 1), IsEmpty());
  EXPECT_THAT(Names(ReportExamples(barrier, 0, 2, 1)), ElementsAre("0:0"));
}

// The supervisor is to refuse the report that is too much, not the others of the node.
TEST(NodeBarrier, AReportThatIsTooMuchForItsStepGoesAlone) {
  NodeBarrier barrier = BarrierOf({0, 1, 2});
  EXPECT_THAT(ReportExamples(barrier, 0, 0, kMaxStepExamples), IsEmpty());
  EXPECT_THAT(Names(ReportExamples(barrier, 1, 0, 1)), ElementsAre("0:0", "0:1"));
}

TEST(NodeBarrier, AStepThatCannotBeGoesAloneAndChangesNothing) {
  NodeBarrier barrier = BarrierOf({0, 1});
  EXPECT_THAT(Names(Report(barrier, 0, kMaxStep)), ElementsAre(std::to_string(kMaxStep) + ":0"));
  EXPECT_THAT(Report(barrier, 0, 0), IsEmpty());
  EXPECT_THAT(Names(Report(barrier, 1, 0)), ElementsAre("0:0,1"));
}

TEST(NodeBarrier, FlushPassesUpAll) {
  NodeBarrier barrier = BarrierOf({0, 1});
  Report(barrier, 0, 3);
  Report(barrier, 0, 4);
  EXPECT_THAT(Names(barrier.Flush()), ElementsAre("3:0", "4:0"));
  EXPECT_EQ(barrier.NextDeadline(), absl::InfiniteFuture());
}

}  // namespace
}  // namespace lehr

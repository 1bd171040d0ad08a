#include "client/cli/run_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "client/cli/action_text.h"
#include "tests/client/cli/recorded_runs.h"

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string Report(const v1::Run& run, const RunDigest& digest) {
  std::ostringstream out;
  WriteRunReport(run, digest, absl::FromUnixSeconds(1'800'000'300), out);
  return out.str();
}

v1::HistoryEntry Entry(int64_t step, v1::Reason::Code code, double mean = 1) {
  v1::HistoryEntry entry;
  v1::Decision& decision = *entry.mutable_decision();
  decision.set_generation(1);
  decision.set_step(step);
  decision.set_apply_step(step + 1);
  decision.mutable_reason()->set_code(code);
  decision.mutable_observation()->set_count(4);
  decision.mutable_observation()->set_mean(mean);
  return entry;
}

v1::HistoryEntry Acting(int64_t step, double stddev = 0.5) {
  v1::HistoryEntry entry = Entry(step, v1::Reason::CODE_ACTED);
  entry.mutable_decision()->add_actions()->mutable_perturb()->set_stddev(
      static_cast<float>(stddev));
  return entry;
}

TEST(RunReport, TellsOfARun) {
  RunDigest digest;
  for (int64_t step = 0; step < 3; ++step) {
    digest.Add(MakeEntry(step));
  }
  EXPECT_THAT(Report(MakeRun("digits-3"), digest),
              AllOf(HasSubstr("<h1>digits-3</h1>"), HasSubstr("2027-01-15 08:05:00 UTC"),
                    HasSubstr("cooldown: 1 of 10 steps since it acted"),
                    HasSubstr("noise 0.125; applied by 2"), HasSubstr("cooldown_steps 10"),
                    HasSubstr("model = mlp"), HasSubstr("<svg"), HasSubstr("</html>")));
}

TEST(RunReport, ShowsWhereMostLossesLie) {
  RunDigest digest;
  digest.Add(MakeEntry(0));
  digest.Add(MakeEntry(1));
  const std::string page = Report(MakeRun("digits-3"), digest);
  EXPECT_THAT(page, HasSubstr("<i class=\"band\"></i>p10 to p90"));
  EXPECT_THAT(page, HasSubstr("<path class=\"band\" d=\"M"));
  EXPECT_THAT(page, HasSubstr("<path class=\"median\" d=\"M"));
  EXPECT_THAT(page, HasSubstr("p10 0.125, median 0.2, p90 0.625"));
}

TEST(RunReport, ShowsTheShareOfTheLossThatTiesWhereAnyDoes) {
  v1::HistoryEntry entry = MakeEntry(0);
  const auto page = [&entry] {
    RunDigest digest;
    digest.Add(entry);
    entry.mutable_decision()->set_step(1);
    digest.Add(entry);
    return Report(MakeRun("digits-3"), digest);
  };
  EXPECT_THAT(page(), HasSubstr("<figcaption>Share of the loss that ties exactly: dead data<"));
  EXPECT_THAT(page(), HasSubstr("6.25 % of the loss ties exactly"));
  entry.mutable_decision()->mutable_observation()->set_tied_share(0);
  EXPECT_THAT(page(), Not(HasSubstr("<figcaption>Share of the loss that ties")));
  entry.mutable_decision()->mutable_observation()->clear_tied_share();
  EXPECT_THAT(page(), Not(HasSubstr("<figcaption>Share of the loss that ties")));
}

TEST(RunReport, NeedsNothingElseAndRunsNothing) {
  RunDigest digest;
  digest.Add(MakeEntry(0));
  const std::string page = Report(MakeRun("digits-3"), digest);
  EXPECT_THAT(page, HasSubstr("content=\"default-src 'none'; style-src 'unsafe-inline'; "));
  for (const char* foreign : {"<script", "http:", "https:", "src=", "href=", "@import", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(foreign)));
  }
}

TEST(RunReport, WhatComesFromOutsideIsText) {
  v1::Run run = MakeRun("a<b");
  (*run.mutable_labels())["<img src=x>"] = "\"><script>alert('1')</script>&";
  RunDigest digest;
  v1::HistoryEntry entry = Acting(0);
  entry.mutable_decision()->mutable_actions(0)->mutable_perturb()->set_tensor_selector("<svg>");
  digest.Add(entry);
  const std::string page = Report(run, digest);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, HasSubstr("<title>a&lt;b · Lehr</title>"));
  EXPECT_THAT(page, HasSubstr("&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;"));
  EXPECT_THAT(page, HasSubstr("noise 0.5 on &lt;svg&gt;"));
}

TEST(RunReport, ARunWithoutDecisionsSaysSo) {
  v1::Run run = MakeRun("new");
  run.set_step(-1);
  run.clear_observation();
  const std::string page = Report(run, RunDigest());
  EXPECT_THAT(page, HasSubstr("No decision was made yet."));
  EXPECT_THAT(page, Not(HasSubstr("<svg")));
}

TEST(RunReport, AMillionStepsMakeASmallPage) {
  RunDigest digest;
  v1::HistoryEntry acting = Acting(0);
  v1::HistoryEntry waiting = Entry(0, v1::Reason::CODE_COOLDOWN);
  for (int64_t step = 0; step < 1'000'000; ++step) {
    v1::HistoryEntry& entry = step % 2 == 0 ? acting : waiting;
    v1::Observation& observation = *entry.mutable_decision()->mutable_observation();
    // A new number at each step: what a compressor could not make small either.
    observation.set_mean(1 + static_cast<double>(step * 7919 % 104'729) / 104'729);
    observation.set_temperature(observation.mean() / 2);
    observation.set_max(observation.mean() * 3);
    observation.set_p10(observation.mean() / 3);
    observation.set_p50(observation.mean() / 1.5);
    observation.set_p90(observation.mean() * 2);
    observation.set_tied_share(observation.mean() / 8);
    observation.set_root_mean_square(observation.mean() * 1.5);
    observation.set_imbalance(observation.mean() / 4);
    entry.mutable_decision()->set_step(step);
    entry.mutable_decision()->set_apply_step(step + 1);
    digest.Add(entry);
  }
  EXPECT_EQ(digest.decisions(), 1'000'000);
  EXPECT_EQ(digest.stretches_left_out(), 1'000'000 - 400);
  const std::string page = Report(MakeRun("long"), digest);
  EXPECT_LT(page.size(), 300'000);
  EXPECT_THAT(page, HasSubstr("999600 lines are left out"));
  EXPECT_THAT(page, HasSubstr("Too many to mark: noise."));
}

TEST(RunDigest, DecisionsInARowThatSayTheSameAreOneStretch) {
  RunDigest digest;
  digest.Add(Entry(0, v1::Reason::CODE_IMPROVING));
  digest.Add(Entry(1, v1::Reason::CODE_PASS_UNDER_WAY));
  digest.Add(Entry(2, v1::Reason::CODE_IMPROVING));
  digest.Add(Entry(3, v1::Reason::CODE_CONVERGED));
  ASSERT_THAT(digest.first_stretches(), SizeIs(2));
  EXPECT_EQ(digest.first_stretches()[0].first_step, 0);
  EXPECT_EQ(digest.first_stretches()[0].last.decision().step(), 2);
  EXPECT_EQ(digest.first_stretches()[0].decisions, 2);
}

// Two perturbations of a run that stalled twice are two events.
TEST(RunDigest, CommandsAreOneStretchOnlyStepAfterStep) {
  RunDigest digest;
  digest.Add(Acting(0));
  digest.Add(Acting(1));
  digest.Add(Entry(2, v1::Reason::CODE_PASS_UNDER_WAY));
  digest.Add(Acting(3));
  EXPECT_THAT(digest.first_stretches(), SizeIs(2));
}

TEST(RunDigest, MarksWhatWasAppliedBeforeWhichStep) {
  RunDigest digest;
  v1::HistoryEntry entry = Acting(4, 0.25);
  entry.mutable_decision()->add_actions()->mutable_restore()->set_id(1);
  entry.set_applied(2);
  digest.Add(entry);
  v1::HistoryEntry skipped = Acting(9);
  skipped.set_skipped(2);
  digest.Add(skipped);
  const GenerationDigest& generation = digest.generations().back();
  const auto marks = [&](ActionMark kind) {
    return generation.marks[static_cast<int>(kind)].Points();
  };
  EXPECT_THAT(marks(ActionMark::kPerturb), ::testing::ElementsAre(CurvePoint{5, 0.25}));
  EXPECT_THAT(marks(ActionMark::kRestore), ::testing::ElementsAre(CurvePoint{5, 1}));
  EXPECT_THAT(marks(ActionMark::kSnapshot), IsEmpty());
}

TEST(RunDigest, AnotherGenerationIsAnotherCurve) {
  RunDigest digest;
  digest.Add(Entry(7, v1::Reason::CODE_IMPROVING, 2));
  v1::HistoryEntry again = Entry(5, v1::Reason::CODE_IMPROVING, 3);
  again.mutable_decision()->set_generation(2);
  digest.Add(again);
  ASSERT_THAT(digest.generations(), SizeIs(2));
  EXPECT_THAT(digest.generations()[0].mean.Points(), ::testing::ElementsAre(CurvePoint{7, 2}));
  EXPECT_THAT(digest.generations()[1].mean.Points(), ::testing::ElementsAre(CurvePoint{5, 3}));
  EXPECT_THAT(digest.first_stretches(), SizeIs(2));
}

TEST(RunDigest, ActionsAreWords) {
  v1::Decision decision;
  decision.add_withheld()->mutable_restore()->set_id(2);
  v1::Perturbation& perturb = *decision.add_withheld()->mutable_perturb();
  perturb.set_stddev(2);
  perturb.set_scale(v1::NOISE_SCALE_RELATIVE);
  perturb.set_shrink(0.4F);
  perturb.set_optimizer_state(v1::OPTIMIZER_STATE_RESET);
  EXPECT_EQ(ActionsText(decision), "restore 2, noise 2 (relative), shrink 0.4, optimizer reset");
}

TEST(RunDigest, IdentityAndLearningRateAreWords) {
  v1::Decision decision;
  decision.add_actions()->mutable_identity();
  decision.add_actions()->mutable_learning_rate()->set_factor(0.1F);
  EXPECT_EQ(ActionsText(decision), "identity, learning rate x 0.1");
}

TEST(RunDigest, IdentityAndLearningRateAreMarked) {
  RunDigest digest;
  v1::HistoryEntry entry = Entry(4, v1::Reason::CODE_STALL_DEAD);
  entry.mutable_decision()->add_actions()->mutable_identity();
  entry.mutable_decision()->add_actions()->mutable_learning_rate()->set_factor(0.1F);
  digest.Add(entry);
  const auto marks = [&](ActionMark kind) {
    return digest.generations()[0].marks[static_cast<int>(kind)].Points();
  };
  EXPECT_THAT(marks(ActionMark::kIdentity), ::testing::ElementsAre(CurvePoint{5, 1}));
  EXPECT_THAT(marks(ActionMark::kLearningRate), ::testing::ElementsAre(CurvePoint{5, 1}));
  EXPECT_THAT(marks(ActionMark::kPerturb), IsEmpty());
  const std::string page = Report(MakeRun("digits-3"), digest);
  EXPECT_THAT(page, AllOf(HasSubstr("<tr class=\"identity\">"),
                          HasSubstr("<i class=\"tick learning-rate\"></i>learning rate"),
                          HasSubstr("identity, learning rate x 0.1")));
}

}  // namespace
}  // namespace lehr

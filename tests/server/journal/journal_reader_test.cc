// What a journal gives back: what a restart needs, and history.
#include "server/journal/journal_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/journal/journal.h"
#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class JournalRecoveryTest : public JournalTest {};

TEST_F(JournalRecoveryTest, RecoversWhatARestartNeeds) {
  journal_->SetActingStopped(true);
  journal_->AppendRun(MakeRun("first"));
  journal_->AppendRun(MakeRun("second"));
  journal_->AppendGeneration(MakeGeneration("first", 1));
  journal_->AppendDecision("first", MakeDecision(1, /*step=*/0), "state 0");
  journal_->AppendDecision("first", MakeDecision(1, /*step=*/1, /*temperature=*/0.75), "state 1");
  journal_->AppendCheckpoint("first", /*generation=*/1, /*branch=*/3, /*step=*/0, "state 0");
  Flush();
  Crash();

  const RecoveredState state = Recover();
  EXPECT_TRUE(state.acting_stopped);
  ASSERT_THAT(state.runs, SizeIs(2));
  const RecoveredRun& first = state.runs[0];
  EXPECT_EQ(first.run.SerializeAsString(), MakeRun("first").SerializeAsString());
  ASSERT_EQ(first.generations.size(), 1);
  EXPECT_EQ(first.generations[0].SerializeAsString(),
            MakeGeneration("first", 1).SerializeAsString());
  ASSERT_TRUE(first.newest.has_value());
  EXPECT_EQ(first.newest->decision.step(), 1);
  EXPECT_EQ(first.newest->decision.observation().temperature(), 0.75);
  EXPECT_EQ(first.newest->policy_state, "state 1");
  ASSERT_THAT(first.checkpoints, SizeIs(1));
  EXPECT_EQ(first.checkpoints[0].generation, 1);
  EXPECT_EQ(first.checkpoints[0].step, 0);
  EXPECT_EQ(first.checkpoints[0].branch, 3);
  EXPECT_EQ(first.checkpoints[0].policy_state, "state 0");
  EXPECT_EQ(state.runs[1].run.run_id(), "second");
  EXPECT_FALSE(state.runs[1].newest.has_value());
}

TEST_F(JournalRecoveryTest, NewestDecisionIsThatOfTheCurrentGeneration) {
  journal_->AppendRun(MakeRun("run", /*generation=*/2));
  journal_->AppendDecision("run", MakeDecision(/*generation=*/1, /*step=*/99), "old");
  journal_->AppendDecision("run", MakeDecision(/*generation=*/2, /*step=*/50), "new");
  EXPECT_EQ(Recover().runs[0].newest->decision.step(), 50);
}

TEST_F(JournalRecoveryTest, RunAndGenerationAreReplaced) {
  journal::v1::RunRecord run = MakeRun("run");
  journal_->AppendRun(run);
  journal::v1::GenerationRecord generation = MakeGeneration("run", 1);
  journal_->AppendGeneration(generation);
  Flush();
  run.set_ended(true);
  journal_->AppendRun(run);
  generation.mutable_settings()->set_run_seed(43);
  journal_->AppendGeneration(generation);
  Flush();
  Crash();

  const RecoveredState state = Recover();
  ASSERT_THAT(state.runs, SizeIs(1));
  EXPECT_TRUE(state.runs[0].run.ended());
  ASSERT_EQ(state.runs[0].generations.size(), 1);
  EXPECT_EQ(state.runs[0].generations[0].settings().run_seed(), 43);
}

TEST_F(JournalRecoveryTest, RecoversABoundedNumberOfGenerations) {
  journal_->AppendRun(MakeRun("run"));
  const uint64_t newest = kMaxRecoveredGenerations + 1;
  for (uint64_t generation = 1; generation <= newest; ++generation) {
    journal_->AppendGeneration(MakeGeneration("run", generation));
  }
  const auto generations = Recover().runs[0].generations;
  ASSERT_EQ(generations.size(), kMaxRecoveredGenerations);
  EXPECT_EQ(generations.front().generation(), 2);
  EXPECT_EQ(generations.back().generation(), newest);
  // Tensors are big, and only the newest generation can be joined.
  EXPECT_EQ(generations.front().tensors_size(), 0);
  EXPECT_EQ(generations.back().tensors_size(), 1);
}

TEST_F(JournalRecoveryTest, KeepsTheNewestCheckpoints) {
  journal_->AppendRun(MakeRun("run"));
  journal_->AppendRun(MakeRun("other"));
  journal_->AppendCheckpoint("other", 1, 0, /*step=*/0, "of another run");
  const int64_t checkpoints = kMaxCheckpoints;
  for (int64_t step = 0; step < checkpoints; ++step) {
    journal_->AppendCheckpoint("run", 1, 0, step, "");
  }
  // Written again, step 0 is the newest; step 1 is the oldest now, and one too many.
  journal_->AppendCheckpoint("run", 1, 0, /*step=*/0, "again");
  journal_->AppendCheckpoint("run", 1, 0, checkpoints, "");

  const RecoveredState state = Recover();
  ASSERT_THAT(state.runs[0].checkpoints, SizeIs(kMaxCheckpoints));
  EXPECT_EQ(state.runs[0].checkpoints[0].step, 0);
  EXPECT_EQ(state.runs[0].checkpoints[0].policy_state, "again");
  EXPECT_EQ(state.runs[0].checkpoints[1].step, 2);
  EXPECT_THAT(state.runs[1].checkpoints, SizeIs(1));
}

TEST_F(JournalRecoveryTest, CountsCommandsAndWhatBecameOfThem) {
  journal_->AppendRun(MakeRun("run"));
  for (int64_t step = 0; step < 5; ++step) {
    journal_->AppendDecision("run", MakeDecision(1, step, 1, /*commanding=*/step < 4), "");
  }
  const auto outcome = [&](int64_t step, uint32_t rank, v1::CommandOutcome::Result result) {
    journal_->AppendOutcome("run", 1, step, rank, result);
  };
  outcome(0, 0, v1::CommandOutcome::RESULT_APPLIED);
  outcome(0, 65535, v1::CommandOutcome::RESULT_APPLIED);
  Flush();
  outcome(0, 1, v1::CommandOutcome::RESULT_APPLIED);  // in a later commit than its peers
  outcome(1, 0, v1::CommandOutcome::RESULT_SKIPPED);
  outcome(1, 1, v1::CommandOutcome::RESULT_EXPIRED);
  outcome(2, 0, v1::CommandOutcome::RESULT_SKIPPED);
  Flush();
  outcome(2, 0, v1::CommandOutcome::RESULT_APPLIED);  // its last word
  Flush();
  Crash();

  const CommandCounts counts = Recover().runs[0].counts;
  EXPECT_EQ(counts.commands, 4);
  EXPECT_EQ(counts.applied, 2);  // steps 0 and 2
  EXPECT_EQ(counts.skipped, 1);  // step 1
  const absl::StatusOr<HistoryPage> page = journal_->ReadHistory({.run_id = "run"});
  std::vector<std::string> ranks;
  for (const v1::HistoryEntry& entry : page->entries) {
    ranks.push_back(absl::StrCat(entry.applied(), " ", entry.skipped()));
  }
  EXPECT_THAT(ranks, ElementsAre("3 0", "0 2", "1 0", "0 0", "0 0"));
}

class JournalHistoryTest : public JournalTest {
 protected:
  // Generations 1 and 3, steps 0 to 4 each, commands at 1 and 3.
  JournalHistoryTest() {
    for (const char* run_id : {"before", "run", "behind"}) {
      journal_->AppendRun(MakeRun(run_id));
      for (const uint64_t generation : {1, 3}) {
        for (int64_t step = 0; step < 5; ++step) {
          journal_->AppendDecision(
              run_id, MakeDecision(generation, step, 1, /*commanding=*/step % 2 == 1), "");
        }
      }
    }
  }
};

TEST_F(JournalHistoryTest, IsInTheOrderOfGenerationAndStep) {
  EXPECT_THAT(Keys({.run_id = "run"}),
              ElementsAre("1/0", "1/1", "1/2", "1/3", "1/4", "3/0", "3/1", "3/2", "3/3", "3/4"));
  EXPECT_FALSE(next_.has_value());
}

TEST_F(JournalHistoryTest, OfOneGeneration) {
  EXPECT_THAT(Keys({.run_id = "run", .generation = 1}),
              ElementsAre("1/0", "1/1", "1/2", "1/3", "1/4"));
  EXPECT_THAT(Keys({.run_id = "run", .generation = 2}), IsEmpty());
}

TEST_F(JournalHistoryTest, FromAStepOfEachGeneration) {
  EXPECT_THAT(Keys({.run_id = "run", .from_step = 3}), ElementsAre("1/3", "1/4", "3/3", "3/4"));
}

TEST_F(JournalHistoryTest, OnlyCommands) {
  EXPECT_THAT(Keys({.run_id = "run", .only_commands = true}),
              ElementsAre("1/1", "1/3", "3/1", "3/3"));
}

// A snapshot commands, and changes nothing; a restore changes as much as noise does.
TEST_F(JournalHistoryTest, OnlyActs) {
  v1::Decision snapshot = MakeDecision(3, /*step=*/5, 1);
  snapshot.add_actions()->mutable_snapshot()->set_id(1);
  journal_->AppendDecision("run", snapshot, "");
  v1::Decision restore = MakeDecision(3, /*step=*/6, 1);
  restore.add_actions()->mutable_restore()->set_id(1);
  journal_->AppendDecision("run", restore, "");
  v1::Decision withheld = MakeDecision(3, /*step=*/7, 1);
  withheld.add_withheld()->mutable_perturb()->set_id(1);
  journal_->AppendDecision("run", withheld, "");
  HistoryQuery query = {.run_id = "run", .limit = 3, .only_acts = true, .newest_first = true};
  EXPECT_THAT(Keys(query), ElementsAre("3/6", "3/3", "3/1"));
  query.after = next_;
  EXPECT_THAT(Keys(query), ElementsAre("1/3", "1/1"));
  EXPECT_FALSE(next_.has_value());
  EXPECT_THAT(Keys({.run_id = "run", .generation = 3, .only_commands = true, .only_acts = true}),
              ElementsAre("3/1", "3/3", "3/6"));
}

TEST_F(JournalHistoryTest, NewestFirst) {
  std::vector<std::string> ascending = Keys({.run_id = "run"});
  std::reverse(ascending.begin(), ascending.end());
  EXPECT_EQ(Keys({.run_id = "run", .newest_first = true}), ascending);
}

TEST_F(JournalHistoryTest, NewestFirstPageAfterPage) {
  std::vector<std::string> all;
  HistoryQuery query = {.run_id = "run", .limit = 2, .newest_first = true};
  do {
    for (const std::string& key : Keys(query)) {
      all.push_back(key);
    }
    query.after = next_;
  } while (next_);
  EXPECT_EQ(all, Keys({.run_id = "run", .newest_first = true}));
}

TEST_F(JournalHistoryTest, PageAfterPage) {
  HistoryQuery query = {.run_id = "run", .from_step = 1, .limit = 3};
  EXPECT_THAT(Keys(query), ElementsAre("1/1", "1/2", "1/3"));
  query.after = next_;
  EXPECT_THAT(Keys(query), ElementsAre("1/4", "3/1", "3/2"));
  query.after = next_;
  EXPECT_THAT(Keys(query), ElementsAre("3/3", "3/4"));
  EXPECT_FALSE(next_.has_value());
}

TEST_F(JournalHistoryTest, PageAfterPageOfOneGeneration) {
  HistoryQuery query = {.run_id = "run", .generation = 1, .limit = 4};
  EXPECT_THAT(Keys(query), ElementsAre("1/0", "1/1", "1/2", "1/3"));
  query.after = next_;
  EXPECT_THAT(Keys(query), ElementsAre("1/4"));
  EXPECT_FALSE(next_.has_value());
}

// A last page that is full has no next one.
TEST_F(JournalHistoryTest, FullLastPage) {
  Keys({.run_id = "run", .limit = 10});
  EXPECT_FALSE(next_.has_value());
}

TEST_F(JournalHistoryTest, UnknownRunIsNotFound) {
  const absl::Status status = journal_->ReadHistory({.run_id = "unknown"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("unknown"));
}

TEST_F(JournalHistoryTest, PageOfNothingIsRefused) {
  EXPECT_EQ(journal_->ReadHistory({.run_id = "run", .limit = 0}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace lehr

#include "server/journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(JournalTest, MakesADirectoryThatOnlyItsOwnerCanRead) {
  const std::string nested = directory_ / "a/b/c";
  OpenOrDie(nested);
  EXPECT_EQ(std::filesystem::status(nested).permissions(), std::filesystem::perms::owner_all);
}

TEST_F(JournalTest, EpochRisesWithEveryOpen) {
  EXPECT_EQ(journal_->epoch(), 1);
  Crash();
  EXPECT_EQ(journal_->epoch(), 2);
  LEHR_ASSERT_OK(journal_->Close(Soon()));
  Crash();
  EXPECT_EQ(journal_->epoch(), 3);
}

TEST_F(JournalTest, RaisedEpochIsDurable) {
  LEHR_ASSERT_OK(journal_->RaiseEpochAbove(41));
  EXPECT_EQ(journal_->epoch(), 42);
  Crash();
  EXPECT_EQ(journal_->epoch(), 43);
}

TEST_F(JournalTest, EpochThatIsHighEnoughStays) {
  LEHR_ASSERT_OK(journal_->RaiseEpochAbove(41));
  LEHR_ASSERT_OK(journal_->RaiseEpochAbove(7));
  EXPECT_EQ(journal_->epoch(), 42);
}

// A rank that claims the highest number of all must not stop the supervisor from ever rising again.
TEST_F(JournalTest, RefusesAnEpochThatLeavesNoneAbove) {
  const absl::Status status = journal_->RaiseEpochAbove(~uint64_t{0});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("18446744073709551615"));
  EXPECT_EQ(journal_->epoch(), 1);
}

TEST_F(JournalTest, TellsACleanStopFromACrash) {
  EXPECT_TRUE(journal_->clean_stop());  // there was none before
  Crash();
  EXPECT_FALSE(journal_->clean_stop());
  LEHR_ASSERT_OK(journal_->Close(Soon()));
  Crash();
  EXPECT_TRUE(journal_->clean_stop());
  Crash();
  EXPECT_FALSE(journal_->clean_stop());
}

TEST_F(JournalTest, SequenceNumbersGoOnAfterARestart) {
  const uint64_t first = journal_->AppendRun(MakeRun("run"));
  const uint64_t second = journal_->SetActingStopped(true);
  EXPECT_EQ(second, first + 1);
  Flush();
  EXPECT_EQ(journal_->durable(), second);
  Crash();
  EXPECT_GE(journal_->durable(), second);
  EXPECT_GT(journal_->SetActingStopped(false), second);
}

TEST_F(JournalTest, CommitsWithinTheIntervalWithoutAFlush) {
  TemporaryDirectory other;
  absl::Notification durable;
  uint64_t newest = 0;
  auto journal = OpenOrDie({.data_dir = other.path(), .commit_interval = absl::Milliseconds(1)});
  journal->NotifyDurable([&](uint64_t sequence) {
    newest = sequence;
    durable.Notify();
  });
  const uint64_t sequence = journal->AppendRun(MakeRun("run"));
  ASSERT_TRUE(durable.WaitForNotificationWithTimeout(absl::Seconds(60)));
  EXPECT_EQ(newest, sequence);
}

TEST_F(JournalTest, ReportsWhatEachCommitWrote) {
  TemporaryDirectory other;
  JournalOptions options = OnlyFlushes(other.path());
  std::vector<size_t> commits;
  options.on_commit = [&](size_t records, absl::Duration duration) {
    commits.push_back(records);
    EXPECT_GE(duration, absl::ZeroDuration());
  };
  auto journal = OpenOrDie(std::move(options));
  for (const size_t records : {3, 1}) {
    for (size_t i = 0; i < records; ++i) {
      journal->SetActingStopped(true);
    }
    LEHR_ASSERT_OK(journal->Flush(Soon()));
  }
  journal.reset();  // joins the thread that writes commits
  EXPECT_THAT(commits, ElementsAre(3, 1));
}

TEST_F(JournalTest, WhatWasFlushedSurvivesACrash) {
  Fill(*journal_);
  Flush();
  const absl::StatusOr<std::string> before = Describe(*journal_);
  Crash();
  const absl::StatusOr<std::string> after = Describe(*journal_);
  LEHR_ASSERT_OK(after.status());
  EXPECT_EQ(*after, *before);
}

TEST_F(JournalTest, WhatWasClosedSurvives) {
  Fill(*journal_);
  const absl::StatusOr<std::string> before = Describe(*journal_);
  LEHR_ASSERT_OK(journal_->Close(Soon()));
  // Everything is in the database itself.
  EXPECT_EQ(std::filesystem::file_size(data_dir() + "/journal.db-wal"), 0);
  Crash();
  const absl::StatusOr<std::string> after = Describe(*journal_);
  LEHR_ASSERT_OK(after.status());
  EXPECT_EQ(*after, *before);
}

TEST_F(JournalTest, WhatWasNotFlushedIsGoneAfterACrash) {
  journal_->AppendRun(MakeRun("run"));
  Crash();
  EXPECT_THAT(Recover().runs, IsEmpty());
}

TEST_F(JournalTest, FindsDecisionsThatAreNotDurableYet) {
  journal_->AppendRun(MakeRun("run"));
  journal_->AppendDecision("run", MakeDecision(1, 5, /*temperature=*/0.5), "state");
  for (const bool durable : {false, true}) {
    if (durable) {
      Flush();
    }
    const auto found = journal_->FindDecision("run", 1, 5);
    LEHR_ASSERT_OK(found.status());
    ASSERT_TRUE(found->has_value());
    EXPECT_EQ((*found)->decision.observation().temperature(), 0.5);
    EXPECT_EQ((*found)->policy_state, "state");
  }
}

TEST_F(JournalTest, FindsNoDecisionWhereThereIsNone) {
  journal_->AppendRun(MakeRun("run"));
  journal_->AppendDecision("run", MakeDecision(1, 5), "state");
  Flush();
  EXPECT_FALSE(journal_->FindDecision("run", 1, 6)->has_value());
  EXPECT_FALSE(journal_->FindDecision("run", 2, 5)->has_value());
  EXPECT_FALSE(journal_->FindDecision("other", 1, 5)->has_value());
}

// It changes with every sending, and the record must not.
TEST_F(JournalTest, DurableThroughIsNotRecorded) {
  journal_->AppendRun(MakeRun("run"));
  v1::Decision decision = MakeDecision(1, 5);
  for (const int64_t durable_through : {3, 4}) {
    decision.set_durable_through(durable_through);
    journal_->AppendDecision("run", decision, "state");
    Flush();
  }
  EXPECT_EQ((*journal_->FindDecision("run", 1, 5))->decision.durable_through(), 0);
}

TEST_F(JournalTest, TheSameDecisionAgainChangesNothing) {
  journal_->AppendRun(MakeRun("run"));
  const v1::Decision decision = MakeDecision(1, 5, /*temperature=*/1, /*commanding=*/true);
  journal_->AppendDecision("run", decision, "state");
  journal_->AppendDecision("run", decision, "state");
  Flush();
  journal_->AppendDecision("run", decision, "state");
  Flush();
  EXPECT_THAT(Keys({.run_id = "run"}), ElementsAre("1/5"));
  EXPECT_EQ(Recover().runs[0].counts.commands, 1);
}

// What must never be asked of the journal: it fails, and tells.
class JournalMisuseTest : public testing::Test {
 protected:
  JournalMisuseTest() {
    JournalOptions options = OnlyFlushes(directory_.path());
    options.on_failure = [this](const absl::Status& error) { failures_.push_back(error); };
    journal_ = OpenOrDie(std::move(options));
    journal_->AppendRun(MakeRun("run"));
  }

  // Ends with the one failure that is expected.
  std::string FlushAndFail() {
    const absl::Status status = journal_->Flush(Soon());
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
    journal_.reset();
    EXPECT_THAT(failures_, ElementsAre(status));
    return std::string(status.message());
  }

  TemporaryDirectory directory_;
  std::vector<absl::Status> failures_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(JournalMisuseTest, AnotherDecisionForTheSameStep) {
  journal_->AppendDecision("run", MakeDecision(1, 5, /*temperature=*/0.25), "state");
  LEHR_ASSERT_OK(journal_->Flush(Soon()));
  journal_->AppendDecision("run", MakeDecision(1, 5, /*temperature=*/0.75), "state");
  EXPECT_THAT(FlushAndFail(),
              AllOf(HasSubstr("run run, generation 1, step 5"), HasSubstr("temperature: 0.25"),
                    HasSubstr("temperature: 0.75")));
  // The first one stays.
  journal_ = OpenOrDie(directory_.path());
  EXPECT_EQ((*journal_->FindDecision("run", 1, 5))->decision.observation().temperature(), 0.25);
}

TEST_F(JournalMisuseTest, AnotherPolicyStateForTheSameStep) {
  journal_->AppendDecision("run", MakeDecision(1, 5), "state");
  journal_->AppendDecision("run", MakeDecision(1, 5), "another");
  EXPECT_THAT(FlushAndFail(), HasSubstr("a second decision for run run"));
}

TEST_F(JournalMisuseTest, ARunThatWasNotAppended) {
  journal_->AppendDecision("unknown", MakeDecision(1, 5), "state");
  EXPECT_THAT(FlushAndFail(), HasSubstr("no run unknown"));
}

TEST_F(JournalMisuseTest, ARankOutOfBounds) {
  journal_->AppendOutcome("run", 1, 5, /*rank=*/65536, v1::CommandOutcome::RESULT_APPLIED);
  EXPECT_THAT(FlushAndFail(), HasSubstr("rank 65536"));
}

// Its log moves into the database while it runs, or it would grow for ever.
TEST_F(JournalTest, LogStaysShort) {
  journal_->AppendRun(MakeRun("run"));
  const std::string megabyte(1 << 20, 'x');
  for (int64_t step = 0; step < 20; ++step) {
    journal_->AppendDecision("run", MakeDecision(1, step), megabyte);
    Flush();
  }
  EXPECT_LT(std::filesystem::file_size(data_dir() + "/journal.db-wal"), 8 << 20);
  EXPECT_GT(std::filesystem::file_size(data_dir() + "/journal.db"), 10 << 20);
}

}  // namespace
}  // namespace lehr

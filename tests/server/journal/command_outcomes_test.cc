#include "server/journal/command_outcomes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/journal/journal_schema.h"
#include "tests/server/journal/journal_testing.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kApplied = v1::CommandOutcome::RESULT_APPLIED;
constexpr auto kSkipped = v1::CommandOutcome::RESULT_SKIPPED;
constexpr auto kExpired = v1::CommandOutcome::RESULT_EXPIRED;

class CommandOutcomesTest : public testing::Test {
 protected:
  CommandOutcomesTest() { EXPECT_TRUE(CreateJournalSchema(*database_).ok()); }

  // Each changed command as "run: applied/skipped before -> applied/skipped after".
  std::vector<std::string> Write() {
    std::vector<std::string> changes;
    const absl::Status status =
        outcomes_.Write([&](int64_t run, const RankCounts& before, const RankCounts& after) {
          changes.push_back(absl::StrCat(run, ": ", before.applied, "/", before.skipped, " -> ",
                                         after.applied, "/", after.skipped));
        });
    EXPECT_TRUE(status.ok()) << status;
    return changes;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<sqlite::Database> database_ =
      *sqlite::Database::Open(directory_ / "test.db", sqlite::Database::Mode::kCreate);
  CommandOutcomes outcomes_{*database_};
};

TEST_F(CommandOutcomesTest, CountsRanksOfEachCommand) {
  LEHR_ASSERT_OK(outcomes_.Set({1, 1, 7}, /*rank=*/0, kApplied));
  LEHR_ASSERT_OK(outcomes_.Set({1, 1, 7}, /*rank=*/65535, kApplied));
  LEHR_ASSERT_OK(outcomes_.Set({2, 1, 7}, /*rank=*/0, kSkipped));
  LEHR_ASSERT_OK(outcomes_.Set({2, 1, 7}, /*rank=*/1, kExpired));
  EXPECT_THAT(Write(), ElementsAre("1: 0/0 -> 2/0", "2: 0/0 -> 0/2"));
}

TEST_F(CommandOutcomesTest, AddsToWhatWasWritten) {
  LEHR_ASSERT_OK(outcomes_.Set({1, 1, 7}, /*rank=*/0, kApplied));
  Write();
  LEHR_ASSERT_OK(outcomes_.Set({1, 1, 7}, /*rank=*/1, kApplied));
  EXPECT_THAT(Write(), ElementsAre("1: 1/0 -> 2/0"));
  EXPECT_THAT(Write(), IsEmpty());
}

TEST_F(CommandOutcomesTest, TheLastWordOfARankCounts) {
  LEHR_ASSERT_OK(outcomes_.Set({1, 1, 7}, /*rank=*/0, kApplied));
  LEHR_ASSERT_OK(outcomes_.Set({1, 1, 7}, /*rank=*/0, kExpired));
  EXPECT_THAT(Write(), ElementsAre("1: 0/0 -> 0/1"));
}

TEST_F(CommandOutcomesTest, RefusesARankBeyondTheMostOfARun) {
  const absl::Status status = outcomes_.Set({1, 1, 7}, /*rank=*/65536, kApplied);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("65536"));
}

}  // namespace
}  // namespace lehr

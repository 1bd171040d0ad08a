#include "server/rank_message_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace lehr {
namespace {

using ::testing::HasSubstr;

v1::Pause GoodPause() {
  v1::Pause pause;
  pause.set_reason(std::string(64, 'x'));
  pause.mutable_at_most()->set_seconds(24 * 60 * 60);
  return pause;
}

v1::CommandOutcome GoodOutcome() {
  v1::CommandOutcome outcome;
  outcome.set_step(0);
  outcome.set_result(v1::CommandOutcome::RESULT_EXPIRED);
  outcome.set_detail(std::string(256, 'x'));
  outcome.set_perturbed(5);
  outcome.set_unchanged(5);
  return outcome;
}

// What the check says of a good message after `spoil`.
template <typename Message, typename Spoil>
std::string Complaint(absl::Status (&check)(const Message&), Message message, Spoil spoil) {
  EXPECT_TRUE(check(message).ok());
  spoil(message);
  const absl::Status status = check(message);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

template <typename Spoil>
std::string PauseComplaint(Spoil spoil) {
  return Complaint(CheckPause, GoodPause(), spoil);
}

template <typename Spoil>
std::string OutcomeComplaint(Spoil spoil) {
  return Complaint(CheckOutcome, GoodOutcome(), spoil);
}

TEST(CheckPause, NamesTheFieldAndTheValueThatAreOutOfBounds) {
  using Pause = v1::Pause;
  EXPECT_THAT(PauseComplaint([](Pause& p) { p.set_reason("lunch" + std::string(60, '!')); }),
              HasSubstr("lunch!"));
  EXPECT_THAT(PauseComplaint([](Pause& p) { p.clear_at_most(); }), HasSubstr("at_most is 0"));
  EXPECT_THAT(PauseComplaint([](Pause& p) { p.mutable_at_most()->set_seconds(-3); }),
              HasSubstr("at_most is -3s"));
  EXPECT_THAT(PauseComplaint([](Pause& p) { p.mutable_at_most()->set_nanos(1); }),
              HasSubstr("at_most is 24h"));
  EXPECT_THAT(PauseComplaint([](Pause& p) {
                p.mutable_at_most()->set_seconds(std::numeric_limits<int64_t>::max());
              }),
              HasSubstr("at_most is"));
}

TEST(CheckOutcome, NamesTheFieldAndTheValueThatAreOutOfBounds) {
  using Outcome = v1::CommandOutcome;
  EXPECT_THAT(OutcomeComplaint([](Outcome& o) { o.set_step(-7); }), HasSubstr("step is -7"));
  EXPECT_THAT(OutcomeComplaint([](Outcome& o) { o.set_step(int64_t{1} << 62); }),
              HasSubstr("4611686018427387904"));
  EXPECT_THAT(OutcomeComplaint([](Outcome& o) { o.clear_result(); }), HasSubstr("result is 0"));
  EXPECT_THAT(OutcomeComplaint([](Outcome& o) { o.set_result(static_cast<Outcome::Result>(9)); }),
              HasSubstr("result is 9"));
  EXPECT_THAT(OutcomeComplaint([](Outcome& o) { o.set_detail("why" + std::string(254, '?')); }),
              HasSubstr("why?"));
  EXPECT_THAT(OutcomeComplaint([](Outcome& o) { o.set_unchanged(6); }),
              HasSubstr("unchanged is 6"));
}

TEST(CheckLeave, ChecksItsOutcome) {
  EXPECT_TRUE(CheckLeave(v1::Leave()).ok());
  v1::Leave leave;
  *leave.mutable_outcome() = GoodOutcome();
  EXPECT_TRUE(CheckLeave(leave).ok());
  leave.mutable_outcome()->set_step(-7);
  EXPECT_THAT(std::string(CheckLeave(leave).message()), HasSubstr("step is -7"));
}

}  // namespace
}  // namespace lehr

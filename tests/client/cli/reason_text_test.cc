#include "client/cli/reason_text.h"

#include <gtest/gtest.h>

#include <set>

namespace lehr {
namespace {

v1::Reason Make(v1::Reason::Code code, double value = 0, double limit = 0) {
  v1::Reason reason;
  reason.set_code(code);
  reason.set_value(value);
  reason.set_limit(limit);
  return reason;
}

TEST(ReasonText, PutsTheNumbersIntoWords) {
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_ACTED, 0.0123456)), "acts: noise of 0.01235");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_ACTED, 3, 2)),
            "acts: noise of 3 was asked for and cut to max_stddev 2");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_BALANCED, 0.05, 0.1)),
            "the losses are balanced: unsquared imbalance 0.05, acts above 0.1");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_BREAKER_OPEN, 12.5, 4)),
            "breaker open: the mean loss rose to 12.5, 4 was allowed");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_BELOW_QUORUM, 3, 5)),
            "too few reports: 3 of 5 needed");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_WARMING_UP, 0.5, 0.95)),
            "warming up: 50 % of the examples are known, acts from 95 %");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_SNAPSHOT_MISSING, 2)),
            "ranks that lack the snapshot to go back to: 2");
}

TEST(ReasonText, SaysWhyReheatActsOrWaits) {
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_STALL_FLAT, 0.004, 0.02)),
            "acts: the loss is flat, within 0.4 % of itself (limit 2 %)");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_STALL_BOUND, 0.54, 0.5)),
            "acts: the mean loss is 0.54 and bound for no less than 0.5");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_STALL_SLOW, 31, 30)),
            "acts: no 1 % improvement for 31 passes (limit 30)");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_FEW_EXAMPLES, 0.08, 0.1)),
            "only outliers: 8 % of the examples carry the loss, acts from 10 %");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_STALL_DEAD, 0.31, 0.05)),
            "acts: dead examples carry 31 % of the loss (limit 5 %)");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_NOTHING_DEAD, 0.01, 0.05)),
            "no improvement, but no example is dead: 1 % of the loss ties, acts from 5 %");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_COOLS, 120, 125)),
            "lowers the learning rate: 120 steps to go, from 125 on");
  EXPECT_EQ(ReasonText(Make(v1::Reason::CODE_RETURNS_TO_BEST, 1.8, 0.5)),
            "returns to its best state: mean loss 0.5, from 1.8");
}

TEST(ReasonText, EveryCodeHasWordsOfItsOwn) {
  std::set<std::string> texts;
  for (int code = 1; code <= v1::Reason::Code_MAX; ++code) {
    if (!v1::Reason::Code_IsValid(code)) {
      continue;
    }
    const std::string text = ReasonText(Make(static_cast<v1::Reason::Code>(code)));
    EXPECT_EQ(text.find("reason "), std::string::npos) << code;
    EXPECT_TRUE(texts.insert(text).second) << text;
  }
}

TEST(ReasonText, ACodeOfANewerSupervisorIsShownAsANumber) {
  EXPECT_EQ(ReasonText(Make(static_cast<v1::Reason::Code>(99))), "reason 99");
  EXPECT_EQ(ReasonName(static_cast<v1::Reason::Code>(99)), "99");
}

TEST(ReasonText, AReasonThatIsNotSetIsEmpty) { EXPECT_EQ(ReasonText(v1::Reason()), ""); }

TEST(ReasonText, NamesAreOneWord) {
  EXPECT_EQ(ReasonName(v1::Reason::CODE_ACTED), "acted");
  EXPECT_EQ(ReasonName(v1::Reason::CODE_UNKNOWN_AFTER_CRASH), "unknown_after_crash");
}

}  // namespace
}  // namespace lehr

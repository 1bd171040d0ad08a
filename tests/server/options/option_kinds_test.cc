#include "server/options/option_kinds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace lehr {
namespace {

TEST(IntegerKindTest, TakesItsBounds) {
  const IntegerKind kind = {.min = 1, .max = 64};
  EXPECT_EQ(*kind.Parse("1"), 1);
  EXPECT_EQ(*kind.Parse("64"), 64);
}

TEST(IntegerKindTest, RefusesWhatIsBeyondOrNoNumber) {
  const IntegerKind kind = {.min = 1, .max = 64};
  for (const char* text : {"0", "65", "-1", "1e1", "1.0", "eight", "", "99999999999999999999"}) {
    EXPECT_EQ(kind.Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(DurationKindTest, TakesItsBounds) {
  const DurationKind kind = {.min = absl::Milliseconds(1), .max = absl::Milliseconds(100)};
  EXPECT_EQ(*kind.Parse("1ms"), absl::Milliseconds(1));
  EXPECT_EQ(*kind.Parse("0.1s"), absl::Milliseconds(100));
}

TEST(DurationKindTest, RefusesWhatIsBeyondOrHasNoUnit) {
  const DurationKind kind = {.min = absl::Milliseconds(1), .max = absl::Milliseconds(100)};
  for (const char* text : {"999us", "101ms", "-5ms", "5", "", "fast", "inf"}) {
    EXPECT_EQ(kind.Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(DurationKindTest, NamesItsBounds) {
  EXPECT_EQ((DurationKind{absl::Milliseconds(1), absl::Hours(1)}.Bounds()), "1ms to 1h");
}

TEST(SizeKindTest, TakesUnits) {
  const SizeKind kind = {.min = 0, .max = std::int64_t{1} << 41};
  EXPECT_EQ(*kind.Parse("7"), 7);
  EXPECT_EQ(*kind.Parse("3KiB"), 3072);
  EXPECT_EQ(*kind.Parse("512MiB"), 536870912);
  EXPECT_EQ(*kind.Parse("2GiB"), 2147483648);
  EXPECT_EQ(*kind.Parse("1TiB"), 1099511627776);
}

TEST(SizeKindTest, RefusesOtherUnitsAndOverflow) {
  const SizeKind kind = {.min = 0, .max = std::int64_t{1} << 41};
  for (const char* text : {"1GB", "1 gib", "MiB", "", "-1KiB", "1.5GiB", "9999999999GiB", "3TiB"}) {
    EXPECT_EQ(kind.Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(SizeKindTest, PrintsTheGreatestUnitThatDivides) {
  const SizeKind kind = {.min = 0, .max = 1};
  EXPECT_EQ(kind.Print(536870912), "512MiB");
  EXPECT_EQ(kind.Print(1025), "1025");
}

TEST(ChoiceKindTest, TakesItsWordsOnly) {
  const ChoiceKind<int> kind = {{{"low", 1}, {"high", 2}}};
  EXPECT_EQ(*kind.Parse("high"), 2);
  EXPECT_EQ(kind.Parse("High").status().message(), "not one of low|high");
}

TEST(TextKindTest, RefusesNothing) { EXPECT_FALSE(TextKind{"DIR"}.Parse("").ok()); }

TEST(AddressOrNoneKindTest, TakesNone) {
  EXPECT_EQ(*AddressOrNoneKind().Parse("none"), std::nullopt);
  EXPECT_EQ(*AddressOrNoneKind().Parse("127.0.0.1:1"), (Address{"127.0.0.1", 1}));
}

}  // namespace
}  // namespace lehr

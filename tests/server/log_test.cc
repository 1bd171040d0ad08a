#include "server/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::string Text(std::string_view message, const std::vector<LogField>& fields = {}) {
  return FormatLogRecord(LogFormat::kText, message, fields);
}

nlohmann::json Json(std::string_view message, const std::vector<LogField>& fields = {}) {
  return nlohmann::json::parse(
      absl::StrCat("{", FormatLogRecord(LogFormat::kJson, message, fields), "}"));
}

TEST(LogTest, TextNamesEveryField) {
  EXPECT_EQ(Text("generation opened", {{"run", "xor"}, {"generation", 3}}),
            "msg=\"generation opened\" run=xor generation=3");
}

TEST(LogTest, TextQuotesWhatIsNotOneWord) {
  EXPECT_EQ(Text("m", {{"a", ""}, {"b", "x y"}, {"c", "x=y"}, {"d", "say \"hi\" \\"}}),
            R"(msg=m a="" b="x y" c="x=y" d="say \"hi\" \\")");
}

// A value must not start a record of its own.
TEST(LogTest, TextEscapesNewlines) {
  EXPECT_EQ(Text("m", {{"detail", "x\ntime=now level=error msg=forged"}}),
            R"(msg=m detail="x\ntime=now level=error msg=forged")");
}

// Neither control bytes nor the two-byte C1 controls may reach a terminal.
TEST(LogTest, TextEscapesControlAndOtherBytes) {
  EXPECT_EQ(Text("m", {{"a", std::string_view("\x1b[31m\0\x7f", 7)}, {"b", "\xc2\x9b"}}),
            R"(msg=m a="\x1b[31m\x00\x7f" b="\xc2\x9b")");
}

TEST(LogTest, NumbersAndBooleansStandBare) {
  EXPECT_EQ(Text("m", {{"a", true},
                       {"b", std::numeric_limits<std::int64_t>::min()},
                       {"c", std::numeric_limits<std::uint64_t>::max()},
                       {"d", 0.1},
                       {"e", 2.5f}}),
            "msg=m a=true b=-9223372036854775808 c=18446744073709551615 d=0.1 e=2.5");
}

TEST(LogTest, JsonKeepsTypes) {
  EXPECT_EQ(
      Json("generation opened", {{"run", "xor"}, {"generation", 3}, {"ready", false}}),
      (nlohmann::json{
          {"msg", "generation opened"}, {"run", "xor"}, {"generation", 3}, {"ready", false}}));
}

TEST(LogTest, JsonIsOneLineOfAscii) {
  const std::string record =
      FormatLogRecord(LogFormat::kJson, "m", std::vector<LogField>{{"a", "x\ny\"\xc2\x9b"}});
  EXPECT_EQ(record, R"("msg":"m","a":"x\ny\"\u009b")");
}

// A byte that is not UTF-8 must not lose the record.
TEST(LogTest, JsonReplacesInvalidUtf8) {
  EXPECT_EQ(Json("m", {{"a", "x\xffy"}})["a"], "x\xef\xbf\xbdy");
}

TEST(LogTest, JsonWritesNanAsNull) { EXPECT_TRUE(Json("m", {{"a", std::nan("")}})["a"].is_null()); }

class LogLineTest : public testing::Test {
 protected:
  ~LogLineTest() override { StartLogging(LogLevel::kInfo, LogFormat::kText); }

  // What the call writes to stderr.
  template <typename Call>
  std::string Captured(Call call) {
    testing::internal::CaptureStderr();
    call();
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogLineTest, TextLineBeginsWithTimeAndLevel) {
  StartLogging(LogLevel::kInfo, LogFormat::kText);
  EXPECT_THAT(Captured([] {
                LogWarning("disk is slow", {{"seconds", 1.5}});
              }),
              MatchesRegex("time=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
                           "level=warning msg=\"disk is slow\" seconds=1.5\n"));
}

TEST_F(LogLineTest, JsonLineIsAnObject) {
  StartLogging(LogLevel::kInfo, LogFormat::kJson);
  const std::string line = Captured([] { LogError("no disk", {{"path", "/x"}}); });
  const auto record = nlohmann::json::parse(line);
  EXPECT_EQ(record["level"], "error");
  EXPECT_EQ(record["msg"], "no disk");
  EXPECT_EQ(record["path"], "/x");
  EXPECT_THAT(record["time"].get<std::string>(), MatchesRegex(".*T.*Z"));
}

TEST_F(LogLineTest, LevelsBelowAreLeftOut) {
  StartLogging(LogLevel::kWarning, LogFormat::kText);
  const std::string lines = Captured([] {
    LogDebug("first");
    LogInfo("second");
    LogWarning("third");
  });
  EXPECT_THAT(lines, Not(HasSubstr("first")));
  EXPECT_THAT(lines, Not(HasSubstr("second")));
  EXPECT_THAT(lines, HasSubstr("third"));
}

// A message is data, never a format.
TEST_F(LogLineTest, BracesAndPercentSignsStay) {
  StartLogging(LogLevel::kInfo, LogFormat::kText);
  EXPECT_THAT(Captured([] { LogInfo("{} %v %l"); }), HasSubstr("msg=\"{} %v %l\""));
}

}  // namespace
}  // namespace lehr

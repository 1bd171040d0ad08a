#include "client/event_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EventLogTest : public ::testing::Test {
 protected:
  std::vector<std::string> lines_;
  EventLog log_{[this](std::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(EventLogTest, TellsWhatWasNotedInOrderAndOnce) {
  log_.Note("a");
  log_.Note("b");
  EXPECT_THAT(lines_, IsEmpty());
  log_.Tell();
  log_.Tell();
  EXPECT_THAT(lines_, ElementsAre("a", "b"));
}

TEST_F(EventLogTest, AnEventIsToldOnceUntilItIsForgotten) {
  log_.NoteOnce("lost", "first");
  log_.NoteOnce("lost", "second");
  log_.NoteOnce("other", "third");
  log_.Forget("lost");
  log_.NoteOnce("lost", "fourth");
  log_.Tell();
  EXPECT_THAT(lines_, ElementsAre("first", "third", "fourth"));
}

// The user's function may do something that is logged in turn.
TEST(EventLog, MayNoteWhileItTells) {
  std::vector<std::string> lines;
  EventLog* log = nullptr;
  EventLog real([&](std::string_view line) {
    lines.emplace_back(line);
    log->NoteOnce("again", "noted meanwhile");
  });
  log = &real;
  real.Note("a");
  real.Tell();
  real.Tell();
  EXPECT_THAT(lines, ElementsAre("a", "noted meanwhile"));
}

}  // namespace
}  // namespace lehr

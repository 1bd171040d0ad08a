#include "client/core/snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// A trainer whose state is one number.
class SnapshotsTest : public ::testing::Test {
 protected:
  Snapshots Make(uint32_t capacity) {
    return Snapshots({.capacity = capacity,
                      .save =
                          [this](uint64_t id) {
                            copies_[id] = state_;
                            return has_memory_;
                          },
                      .restore = [this](uint64_t id) { state_ = copies_.at(id); },
                      .drop = [this](uint64_t id) { copies_.erase(id); }});
  }

  int state_ = 0;
  bool has_memory_ = true;
  std::map<uint64_t, int> copies_;
};

TEST_F(SnapshotsTest, RestoreBringsBackTheStateOfTheSnapshot) {
  Snapshots snapshots = Make(2);
  state_ = 1;
  snapshots.Save(7);
  state_ = 2;
  snapshots.Save(8);
  state_ = 3;
  snapshots.Restore(7);
  EXPECT_EQ(state_, 1);
  EXPECT_THAT(snapshots.held(), ElementsAre(7, 8));
}

TEST_F(SnapshotsTest, TheOldestGoesWhereThereIsNoRoom) {
  Snapshots snapshots = Make(2);
  for (const uint64_t id : {7, 8, 9}) {
    snapshots.Save(id);
  }
  EXPECT_THAT(snapshots.held(), ElementsAre(8, 9));
  EXPECT_FALSE(snapshots.Holds(7));
  EXPECT_THAT(copies_, ElementsAre(Pair(8, 0), Pair(9, 0)));
}

TEST_F(SnapshotsTest, AnIdThatIsHeldIsReplacedAndIsTheNewest) {
  Snapshots snapshots = Make(2);
  snapshots.Save(7);
  snapshots.Save(8);
  state_ = 5;
  snapshots.Save(7);
  EXPECT_THAT(snapshots.held(), ElementsAre(8, 7));
  EXPECT_EQ(copies_.at(7), 5);
}

TEST_F(SnapshotsTest, WhatCouldNotBeCopiedIsNotHeld) {
  Snapshots snapshots = Make(2);
  has_memory_ = false;
  snapshots.Save(7);
  EXPECT_FALSE(snapshots.Holds(7));
}

TEST_F(SnapshotsTest, AllCanBeDropped) {
  Snapshots snapshots = Make(2);
  snapshots.Save(7);
  snapshots.Save(8);
  snapshots.DropAll();
  EXPECT_THAT(snapshots.held(), IsEmpty());
  EXPECT_THAT(copies_, IsEmpty());
}

TEST_F(SnapshotsTest, WithoutCapacityThereAreNone) {
  EXPECT_FALSE(Make(0).supported());
  EXPECT_TRUE(Make(1).supported());
}

}  // namespace
}  // namespace lehr

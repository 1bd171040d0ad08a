#include "client/cli/sparkline.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lehr {
namespace {

std::string Draw(const std::vector<double>& values, size_t width = 10) {
  Sparkline sparkline(width);
  for (const double value : values) {
    sparkline.Add(value);
  }
  return sparkline.Text();
}

TEST(Sparkline, ReachesFromZeroToTheGreatestValue) { EXPECT_EQ(Draw({0, 1, 2, 7}), "▁▂▃█"); }

TEST(Sparkline, ShowsTheLatestValuesInTheirOwnScale) { EXPECT_EQ(Draw({100, 0, 1}, 2), "▁█"); }

TEST(Sparkline, IsFlatWhereAllIsZero) { EXPECT_EQ(Draw({0, 0}), "▁▁"); }

TEST(Sparkline, IsEmptyWithoutValues) { EXPECT_EQ(Draw({}), ""); }

}  // namespace
}  // namespace lehr

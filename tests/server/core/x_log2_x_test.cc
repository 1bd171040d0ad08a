#include "server/core/x_log2_x.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace lehr {
namespace {

struct Vector {
  int64_t u = 0;
  int64_t rest = 0;
  int64_t true_x = 0;
};

// One place in each interval of the table; see tests/golden/temperature/README.md.
std::vector<Vector> ReadVectors() {
  std::ifstream file(LEHR_SOURCE_DIR "/tests/golden/temperature/x_log2_x.txt");
  file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  std::vector<Vector> vectors;
  for (Vector vector; file >> vector.u >> vector.rest >> vector.true_x;) {
    vectors.push_back(vector);
  }
  return vectors;
}

TEST(XLog2X, HasTheSpecifiedBits) {
  const std::vector<Vector> vectors = ReadVectors();
  ASSERT_EQ(vectors.size(), 1024u);
  for (const Vector& vector : vectors) {
    ASSERT_EQ(XLog2X::Table().Rest(static_cast<uint32_t>(vector.u)), vector.rest)
        << "u = " << vector.u;
  }
}

TEST(XLog2X, IsCloseToTheTruth) {
  for (const Vector& vector : ReadVectors()) {
    const int64_t u = vector.u;
    const int64_t parabola = (3 * (int64_t{1} << 23) * u + u * u) << 7;
    const int64_t error = parabola + XLog2X::Table().Rest(static_cast<uint32_t>(u)) - vector.true_x;
    const double m = std::ldexp(1.0, 23) + static_cast<double>(u);
    ASSERT_LT(std::abs(std::ldexp(static_cast<double>(error), -XLog2X::kFractionBits)),
              std::exp2(-49.9) * m)
        << "u = " << u;
  }
}

// The bound that lets 2^16 rests be added in 64 bits.
TEST(XLog2X, RestsAreSmall) {
  for (uint32_t u = 0; u < (1u << 23); u += 1021) {
    ASSERT_LT(std::abs(XLog2X::Table().Rest(u)), int64_t{1} << 47) << "u = " << u;
  }
}

}  // namespace
}  // namespace lehr

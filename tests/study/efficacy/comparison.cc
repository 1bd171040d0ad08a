#include "tests/study/efficacy/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace lehr {
namespace {

// log(n over k).
double LogChoose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

}  // namespace

Interval WilsonInterval(int64_t successes, int64_t count) {
  constexpr double kQuantile = 1.959963984540054;
  const auto n = static_cast<double>(count);
  const double share = static_cast<double>(successes) / n;
  const double spread = kQuantile * kQuantile / n;
  const double middle = (share + spread / 2) / (1 + spread);
  const double half =
      kQuantile * std::sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread);
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

double ExactSignTest(int64_t wins, int64_t losses) {
  const auto pairs = static_cast<double>(wins + losses);
  double tail = 0;
  for (int64_t k = 0; k <= std::min(wins, losses); ++k) {
    tail += std::exp(LogChoose(pairs, static_cast<double>(k)) - pairs * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

std::vector<double> HolmAdjusted(const std::vector<double>& p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double greatest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double scaled = p_values[order[rank]] * static_cast<double>(order.size() - rank);
    greatest = std::max(greatest, std::min(1.0, scaled));
    adjusted[order[rank]] = greatest;
  }
  return adjusted;
}

}  // namespace lehr

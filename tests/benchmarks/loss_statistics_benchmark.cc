// How long LossStatistics::Add takes against the loop that one writes first: sums in double, with
// std::log or std::log2. Prints medians of each round's ratio; a round runs the three one after the
// other, so that what else the machine does meets all of them. Then what TiedLosses adds to it.
//
// usage: loss_statistics_benchmark [ROUNDS]
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#include "absl/types/span.h"
#include "server/core/loss_statistics.h"
#include "server/core/tied_losses.h"

namespace lehr {
namespace {

constexpr size_t kLosses = 1 << 16;
constexpr double kMostOfLog = 0.4;

struct NaiveSums {
  double count = 0;
  double sum = 0;
  double sum_of_squares = 0;
  double x_log_x = 0;
};

// Not inlined: a caller that reads one sum must pay for all.
template <double (*Log)(double)>
[[gnu::noinline]] NaiveSums SumNaively(const std::vector<float>& losses) {
  NaiveSums sums;
  for (const float loss : losses) {
    const double l = loss;
    sums.count += 1;
    sums.sum += l;
    sums.sum_of_squares += l * l;
    if (l > 0) {
      sums.x_log_x += l * Log(l);
    }
  }
  return sums;
}

// Cross-entropies of a binary classifier that is right more often than not.
std::vector<float> CrossEntropyLosses() {
  std::mt19937_64 generator(1);
  std::normal_distribution<double> margin(1, 2);
  std::vector<float> losses(kLosses);
  for (float& loss : losses) {
    loss = static_cast<float>(std::log1p(std::exp(-margin(generator))));
  }
  return losses;
}

// Any normal binary32, each exponent as often as another.
std::vector<float> MixedExponentLosses() {
  std::mt19937_64 generator(2);
  std::uniform_int_distribution<uint32_t> bits(0x00800000, 0x7F7FFFFF);
  std::vector<float> losses(kLosses);
  for (float& loss : losses) {
    loss = std::bit_cast<float>(bits(generator));
  }
  return losses;
}

// One exponent: each addition waits for the one before.
std::vector<float> NearlyEqualLosses() {
  std::mt19937_64 generator(3);
  std::uniform_real_distribution<float> loss_of_guessing(0.6928f, 0.6935f);
  std::vector<float> losses(kLosses);
  for (float& loss : losses) {
    loss = loss_of_guessing(generator);
  }
  return losses;
}

// A loss. `run` goes through kLosses of them.
double Nanoseconds(const std::function<double()>& run) {
  const auto start = std::chrono::steady_clock::now();
  [[maybe_unused]] const volatile double kept = run();
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count() / kLosses;
}

double Median(std::vector<double>& values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void Compare(const char* name, const std::vector<float>& losses, int rounds) {
  std::vector<double> exact;
  std::vector<double> of_log;
  std::vector<double> of_log2;
  for (int round = 0; round < rounds; ++round) {
    exact.push_back(Nanoseconds([&losses] {
      LossStatistics statistics;
      statistics.Add(losses);
      return static_cast<double>(statistics.count());
    }));
    const double log = Nanoseconds([&losses] { return SumNaively<std::log>(losses).x_log_x; });
    const double log2 = Nanoseconds([&losses] { return SumNaively<std::log2>(losses).x_log_x; });
    of_log.push_back(exact.back() / log);
    of_log2.push_back(exact.back() / log2);
  }
  const double ratio = Median(of_log);
  std::printf(
      "%-20s %6.2f ns a loss, %5.3f x std::log (aim: at most %.1f, %s), %5.3f x std::log2\n", name,
      Median(exact), ratio, kMostOfLog, ratio <= kMostOfLog ? "met" : "MISSED", Median(of_log2));
}

// Reports of 64 losses, as many as are looked at: what the search for ties adds to their sums.
void CompareReports(const char* name, const std::vector<float>& losses, int rounds) {
  const auto of_each_report = [&losses](auto& target, auto add) {
    for (size_t i = 0; i < kLosses; i += LossSample::kMost) {
      add(target, absl::MakeConstSpan(losses).subspan(i, LossSample::kMost));
    }
    return static_cast<double>(target.count());
  };
  std::vector<double> ties;
  std::vector<double> of_sums;
  std::vector<double> of_log2;
  for (int round = 0; round < rounds; ++round) {
    ties.push_back(Nanoseconds([&] {
      TiedLosses tied;
      return of_each_report(tied, [](auto& target, auto report) { target.AddReport(report); });
    }));
    const double sums = Nanoseconds([&] {
      LossStatistics statistics;
      return of_each_report(statistics, [](auto& target, auto report) { target.Add(report); });
    });
    const double log2 = Nanoseconds([&losses] { return SumNaively<std::log2>(losses).x_log_x; });
    of_sums.push_back(ties.back() / sums);
    of_log2.push_back(ties.back() / log2);
  }
  std::printf(
      "%-20s %6.2f ns a loss to find ties in reports of 64, %5.3f x their sums, "
      "%5.3f x std::log2\n",
      name, Median(ties), Median(of_sums), Median(of_log2));
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 300;
  lehr::Compare("cross-entropy", lehr::CrossEntropyLosses(), rounds);
  lehr::Compare("mixed exponents", lehr::MixedExponentLosses(), rounds);
  lehr::Compare("nearly equal", lehr::NearlyEqualLosses(), rounds);
  lehr::CompareReports("cross-entropy", lehr::CrossEntropyLosses(), rounds);
  lehr::CompareReports("all equal", std::vector<float>(lehr::kLosses, 0.7f), rounds);
}

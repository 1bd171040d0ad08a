// How long the update takes against Philox alone (the words stored, and nothing made of them), for
// each instruction set, on one thread; and how it scales with threads. Prints medians of the ratios
// within interleaved rounds, so that what else the machine does meets all of them; on one thread
// they are of the CPU time that the thread itself had.
//
// The aim is an update of binary32 in at most 2.6 times Philox, where there are AVX2 or AVX-512. It
// is MISSED where three quarters of the rounds miss it; where only the median does, that is
// unclear.
//
// usage: noise_benchmark [ROUNDS]
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "client/core/noise.h"
#include "client/core/noise_targets.h"
#include "client/core/noise_update.h"
#include "client/core/parallel_parts.h"
#include "client/core/perturbation.h"
#include "client/core/vector_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/benchmarks/noise_benchmark.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#if HWY_TARGET != HWY_SCALAR
#include "client/core/noise_vectors-inl.h"
#else
#include "client/core/philox.h"
#endif

HWY_BEFORE_NAMESPACE();
namespace lehr::HWY_NAMESPACE {

// The size of `words` is a multiple of every group.
void FillWords(std::uint64_t seed, std::uint64_t tensor_id, absl::Span<std::uint32_t> words) {
#if HWY_TARGET != HWY_SCALAR
  std::uint32_t* directions = words.data() + words.size() / 2;
  WordMaker(seed, tensor_id, /*first_block=*/0)
      .Make(words.size() / kGroup, words.data(), directions);
#else
  for (std::size_t i = 0; i < words.size(); i += 4) {
    const PhiloxBlock block =
        Philox4x32({static_cast<std::uint32_t>(i / 4), 0, static_cast<std::uint32_t>(tensor_id),
                    static_cast<std::uint32_t>(tensor_id >> 32)},
                   {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
    std::copy(block.begin(), block.end(), words.begin() + static_cast<std::ptrdiff_t>(i));
  }
#endif
}

}  // namespace lehr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lehr {
namespace {

HWY_EXPORT(FillWords);

// Fits in the second-level cache with room to spare.
constexpr std::size_t kElements = 1 << 14;

// Enough to warm the cache, and so few that all works of a round meet the same neighbours.
constexpr int kRepeats = 32;
constexpr double kMostTimesPhilox = 2.6;

double SecondsOf(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// share: 0.5 is the median.
double Quantile(std::vector<double> values, double share) {
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(values.size()) * share);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double Median(const std::vector<double>& values) { return Quantile(values, 0.5); }

Perturbation Command() {
  return {.id = 1, .seed = 7, .stddev = 1e-3f, .noise_spec = std::string(kNoiseSpec)};
}

template <typename Element>
std::function<void()> Update(std::vector<Element>& values) {
  return [&values] {
    UpdateRange({.seed = 7, .tensor_id = 8, .shrink = 1, .sigma = 1e-3f}, /*first_index=*/0,
                absl::MakeSpan(values));
  };
}

std::function<void()> Apply(std::vector<float>& values, unsigned threads) {
  return [&values, threads] {
    const Tensor tensors[] = {{.name = "weight", .values = absl::MakeSpan(values)}};
    if (!ApplyPerturbation(Command(), tensors, threads).ok()) {
      std::abort();
    }
  };
}

// By work and round, the time of each work to that of the first in the same round.
std::vector<std::vector<double>> Ratios(const std::vector<std::function<void()>>& works, int rounds,
                                        int repeats, clockid_t clock, double& seconds_of_first) {
  std::vector<std::vector<double>> ratios(works.size());
  std::vector<double> first;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < works.size(); ++i) {
      const double begin = SecondsOf(clock);
      for (int repeat = 0; repeat < repeats; ++repeat) {
        works[i]();
      }
      const double seconds = (SecondsOf(clock) - begin) / repeats;
      if (i == 0) {
        first.push_back(seconds);
      }
      ratios[i].push_back(seconds / first.back());
    }
  }
  seconds_of_first = Median(first);
  return ratios;
}

bool HasAim(const std::string& target) { return target == "AVX2" || target == "AVX3"; }

std::string Verdict(const std::string& target, const std::vector<double>& ratios) {
  if (!HasAim(target)) {
    return "no aim";
  }
  if (Median(ratios) <= kMostTimesPhilox) {
    return "met";
  }
  return Quantile(ratios, 0.25) <= kMostTimesPhilox ? "unclear" : "MISSED";
}

void CompareWithPhilox(int rounds) {
  std::vector<std::uint32_t> words(kElements);
  std::vector<float> noise(kElements);
  std::vector<float> floats(kElements, 0.5f);
  std::vector<double> doubles(kElements, 0.5);
  std::vector<Bfloat16> bfloat16s(kElements, {0x3F00});
  std::vector<Float16> float16s(kElements, {0x3800});
  std::printf("one thread, times Philox alone:\n");
  std::printf("%-8s %12s %8s %8s %8s %9s %8s  binary32 <= %.1f\n", "target", "Philox M/s", "fill",
              "binary32", "binary64", "bfloat16", "binary16", kMostTimesPhilox);
  for (const std::string& target : BuiltNoiseTargets()) {
    if (!UseNoiseTarget(target)) {
      std::printf("%-8s built, not run: this CPU has none; not judged\n", target.c_str());
      continue;
    }
    double seconds = 0;
    const auto ratios = Ratios({[&] {
                                  HWY_DYNAMIC_DISPATCH(FillWords)
                                  (7, 8, absl::MakeSpan(words));
                                },
                                [&] { FillNoise(7, 8, 0, absl::MakeSpan(noise)); }, Update(floats),
                                Update(doubles), Update(bfloat16s), Update(float16s)},
                               rounds, kRepeats, CLOCK_THREAD_CPUTIME_ID, seconds);
    const std::string verdict = Verdict(target, ratios[2]);
    std::printf("%-8s %12.0f %8.2f %8.2f %8.2f %9.2f %8.2f  %s\n", target.c_str(),
                kElements / seconds / 1e6, Median(ratios[1]), Median(ratios[2]), Median(ratios[3]),
                Median(ratios[4]), Median(ratios[5]), verdict.c_str());
  }
  UseNoiseTarget("");
}

void CompareThreads(int rounds) {
  std::vector<float> values(1 << 22, 0.5f);
  std::vector<std::function<void()>> works = {Apply(values, 1)};
  for (unsigned threads = 2; threads <= UsableCpus(); threads *= 2) {
    works.push_back(Apply(values, threads));
  }
  double seconds = 0;
  const auto ratios =
      Ratios(works, std::max(3, rounds / 30), /*repeats=*/4, CLOCK_MONOTONIC, seconds);
  std::printf("threads, speed to that of one (%.0f M elements/s):", 4.194304 / seconds);
  for (std::size_t i = 1; i < ratios.size(); ++i) {
    std::printf("  %d: %.2f", 1 << i, 1 / Median(ratios[i]));
  }
  std::printf("\n");
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  lehr::CompareWithPhilox(rounds);
  lehr::CompareThreads(rounds);
}
#endif

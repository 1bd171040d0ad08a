// How long the update takes against Philox alone (the words stored, and nothing made of them), for
// each instruction set, on one thread; and how it scales with threads. Prints ratios; the runs are
// interleaved, so that what else the machine does meets all of them. A ratio of at most 2.6 to
// Philox alone is the aim.
//
// usage: noise_benchmark [ROUNDS]
#include <algorithm>
#include <chrono>
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
  WordMaker maker(seed, tensor_id, /*first_block=*/0);
  for (std::size_t i = 0; i < words.size(); i += kGroup) {
    const GroupWords group = maker.Next();
    hn::StoreU(group.w0, U32(), words.data() + i);
    hn::StoreU(group.w1, U32(), words.data() + i + kLanes);
    hn::StoreU(group.w2, U32(), words.data() + i + 2 * kLanes);
    hn::StoreU(group.w3, U32(), words.data() + i + 3 * kLanes);
  }
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
constexpr std::size_t kElements = 1 << 16;

double Seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

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

// The median over rounds of the time of each work to that of the first.
std::vector<double> Ratios(const std::vector<std::function<void()>>& works, int rounds,
                           double& seconds_of_first) {
  constexpr int kRepeats = 32;
  std::vector<std::vector<double>> ratios(works.size());
  std::vector<double> first;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < works.size(); ++i) {
      const double seconds = Seconds([&] {
                               for (int repeat = 0; repeat < kRepeats; ++repeat) {
                                 works[i]();
                               }
                             }) /
                             kRepeats;
      if (i == 0) {
        first.push_back(seconds);
      }
      ratios[i].push_back(seconds / first.back());
    }
  }
  seconds_of_first = Median(first);
  std::vector<double> medians;
  std::transform(ratios.begin(), ratios.end(), std::back_inserter(medians), Median);
  return medians;
}

void CompareWithPhilox(int rounds) {
  std::vector<std::uint32_t> words(kElements);
  std::vector<float> noise(kElements);
  std::vector<float> floats(kElements, 0.5f);
  std::vector<double> doubles(kElements, 0.5);
  std::vector<Bfloat16> bfloat16s(kElements, {0x3F00});
  std::vector<Float16> float16s(kElements, {0x3800});
  std::printf("one thread, times Philox alone:\n");
  std::printf("%-8s %12s %8s %8s %8s %9s %8s\n", "target", "Philox M/s", "fill", "binary32",
              "binary64", "bfloat16", "binary16");
  for (const std::string& target : NoiseTargets()) {
    UseNoiseTarget(target);
    double seconds = 0;
    const std::vector<double> ratios =
        Ratios({[&] {
                  HWY_DYNAMIC_DISPATCH(FillWords)
                  (7, 8, absl::MakeSpan(words));
                },
                [&] { FillNoise(7, 8, 0, absl::MakeSpan(noise)); }, Update(floats), Update(doubles),
                Update(bfloat16s), Update(float16s)},
               rounds, seconds);
    std::printf("%-8s %12.0f %8.2f %8.2f %8.2f %9.2f %8.2f\n", target.c_str(),
                kElements / seconds / 1e6, ratios[1], ratios[2], ratios[3], ratios[4], ratios[5]);
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
  const std::vector<double> ratios = Ratios(works, std::max(3, rounds / 8), seconds);
  std::printf("threads, speed to that of one (%.0f M elements/s):", 4.194304 / seconds);
  for (std::size_t i = 1; i < ratios.size(); ++i) {
    std::printf("  %d: %.2f", 1 << i, 1 / ratios[i]);
  }
  std::printf("\n");
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 25;
  lehr::CompareWithPhilox(rounds);
  lehr::CompareThreads(rounds);
}
#endif

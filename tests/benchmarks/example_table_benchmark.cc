// How long a step takes in an ExampleTable against LossStatistics::Add of the same losses alone,
// and against the same step in a small table: what a step costs must not depend on how many
// examples are known. Prints ratios of medians of interleaved runs. Then the memory of an example.
//
// usage: example_table_benchmark [ROUNDS]
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "server/core/example_table.h"

namespace lehr {
namespace {

constexpr size_t kBatch = 4096;

// A batch as a sampler draws it, of cross-entropies.
std::vector<ExampleLoss> Batch(std::mt19937_64& random, uint64_t examples) {
  std::exponential_distribution<float> loss(1);
  std::vector<ExampleLoss> batch;
  for (size_t i = 0; i < kBatch; ++i) {
    batch.push_back({random() % examples, loss(random)});
  }
  return batch;
}

ExampleTable FullTable(std::mt19937_64& random, uint32_t examples) {
  ExampleTable table(examples);
  std::exponential_distribution<float> loss(1);
  std::vector<ExampleLoss> all;
  for (uint32_t id = 0; id < examples; ++id) {
    all.push_back({id, loss(random)});
  }
  table.Update(all);
  return table;
}

template <typename Run>
double NanosecondsPerLoss(const Run& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  const std::chrono::duration<double, std::nano> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count() / kBatch;
}

double Median(std::vector<double>& values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void CompareTimes(int rounds) {
  constexpr uint32_t kSizes[] = {10'000, 1'000'000, ExampleTable::kMostExamples};
  std::mt19937_64 random(1);
  std::vector<ExampleTable> tables;
  for (const uint32_t size : kSizes) {
    tables.push_back(FullTable(random, size));
  }
  std::vector<double> alone;
  std::vector<double> update[3];
  std::vector<double> update_and_highest[3];
  volatile uint64_t kept = 0;
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < tables.size(); ++i) {
      const std::vector<ExampleLoss> batch = Batch(random, kSizes[i]);
      std::vector<float> losses;
      for (const ExampleLoss& example : batch) {
        losses.push_back(example.loss);
      }
      alone.push_back(NanosecondsPerLoss([&] {
        LossStatistics statistics;
        statistics.Add(losses);
        kept = statistics.count();
      }));
      update[i].push_back(NanosecondsPerLoss([&] { tables[i].Update(batch); }));
      update_and_highest[i].push_back(update[i].back() + NanosecondsPerLoss([&] {
                                        kept = tables[i].Highest().size() +
                                               tables[i].HighestDead().size();
                                      }));
    }
  }
  const double alone_time = Median(alone);
  const double small_time = Median(update_and_highest[0]);
  std::printf("LossStatistics::Add alone: %.2f ns a loss, batches of %zu\n", alone_time, kBatch);
  for (size_t i = 0; i < tables.size(); ++i) {
    const double time = Median(update_and_highest[i]);
    std::printf("table of %7u: %6.2f ns a loss, %5.1f x Add alone, %4.2f x the table of %u\n",
                kSizes[i], time, time / alone_time, time / small_time, kSizes[0]);
  }
}

double BytesOfExample(uint32_t capacity, uint32_t examples) {
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  ExampleTable table(capacity);
  std::vector<ExampleLoss> batch;
  for (uint32_t id = 0; id < examples; ++id) {
    batch.push_back({id, 1});
    if (batch.size() == kBatch || id + 1 == examples) {
      table.Update(batch);
      batch.clear();
    }
  }
  batch = {};
  const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  return static_cast<double>(after - before) / std::min(capacity, examples);
}

void PrintMemory() {
  for (const uint32_t examples : {10'000u, 1'000'000u, 1'500'000u, ExampleTable::kMostExamples}) {
    std::printf("%7u examples: %.1f bytes each\n", examples,
                BytesOfExample(ExampleTable::kMostExamples, examples));
  }
  std::printf("a sample of %u of %u: %.1f bytes each\n", 1u << 20, 1u << 22,
              BytesOfExample(1 << 20, 1 << 22));
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) {
  lehr::CompareTimes(argc > 1 ? std::max(std::atoi(argv[1]), 1) : 100);
  lehr::PrintMemory();
}

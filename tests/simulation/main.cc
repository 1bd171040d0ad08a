// simulation: many seeds, or one with its trace. See README.md beside this file.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "server/log.h"
#include "tests/simulation/simulation.h"

namespace lehr::simulation {
namespace {

constexpr char kUsage[] =
    "usage: simulation [--seeds=FIRST-LAST] [--jobs=N] [--seconds=N]\n"
    "       simulation --seed=S [--trace]\n"
    "\n"
    "Runs the seeds (0-999) on N threads (1), for at most so many seconds (no bound), and stops "
    "at\n"
    "the first one that breaks a promise: prints the seed and its trace, and exits with 1.\n";

struct Flags {
  uint64_t first = 0;
  uint64_t last = 999;
  uint32_t jobs = 1;
  uint64_t seconds = 0;
  bool trace = false;
};

bool ParseRange(std::string_view text, Flags& flags) {
  const size_t dash = text.find('-');
  return dash != std::string_view::npos &&
         absl::SimpleAtoi(std::string(text.substr(0, dash)), &flags.first) &&
         absl::SimpleAtoi(std::string(text.substr(dash + 1)), &flags.last) &&
         flags.first <= flags.last;
}

bool Parse(int argc, char** argv, Flags& flags) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const size_t equals = argument.find('=');
    const std::string name(argument.substr(0, equals));
    const std::string value(equals == std::string_view::npos ? "" : argument.substr(equals + 1));
    if (name == "--seeds" && ParseRange(value, flags)) {
      continue;
    }
    if (name == "--seed" && absl::SimpleAtoi(value, &flags.first)) {
      flags.last = flags.first;
      continue;
    }
    if ((name == "--jobs" && absl::SimpleAtoi(value, &flags.jobs) && flags.jobs > 0) ||
        (name == "--seconds" && absl::SimpleAtoi(value, &flags.seconds))) {
      continue;
    }
    if (argument == "--trace") {
      flags.trace = true;
      continue;
    }
    return false;
  }
  return true;
}

void Add(const Checker::Counts& counts, Checker::Counts& total) {
  total.decisions += counts.decisions;
  total.applied += counts.applied;
  total.skipped += counts.skipped;
  total.crashes += counts.crashes;
  total.restored += counts.restored;
  total.generations += counts.generations;
  total.late += counts.late;
  total.unknown += counts.unknown;
}

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

// The first seed that broke a promise, if one did.
struct Broken {
  bool any = false;
  uint64_t seed = 0;
  std::string fault;
};

Broken RunSeeds(const Flags& flags) {
  const auto start = std::chrono::steady_clock::now();
  std::atomic<uint64_t> next = flags.first;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  Broken broken;
  Checker::Counts total;
  uint64_t done = 0;
  const auto work = [&] {
    Metrics metrics(/*max_run_series=*/1);
    while (!stop && (flags.seconds == 0 || Seconds(start) < static_cast<double>(flags.seconds))) {
      const uint64_t seed = next++;
      if (seed > flags.last) {
        return;
      }
      const Result result = Simulate(seed, flags.trace, metrics);
      const std::lock_guard lock(mutex);
      ++done;
      Add(result.counts, total);
      if (!result.fault.empty() && (!broken.any || seed < broken.seed)) {
        broken = {true, seed, result.fault};
        stop = true;
      }
    }
  };
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < flags.jobs; ++i) {
    threads.emplace_back(work);
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::printf(
      "%llu seeds from %llu in %.1f s (%.0f a second): %llu ends of a supervisor, %llu "
      "generations, "
      "%llu decisions, of them %llu unknown and %llu brought back, %llu late reports, "
      "%llu commands applied, %llu skipped\n",
      static_cast<unsigned long long>(done), static_cast<unsigned long long>(flags.first),
      Seconds(start), static_cast<double>(done) / Seconds(start),
      static_cast<unsigned long long>(total.crashes),
      static_cast<unsigned long long>(total.generations),
      static_cast<unsigned long long>(total.decisions),
      static_cast<unsigned long long>(total.unknown),
      static_cast<unsigned long long>(total.restored), static_cast<unsigned long long>(total.late),
      static_cast<unsigned long long>(total.applied),
      static_cast<unsigned long long>(total.skipped));
  return broken;
}

int Main(int argc, char** argv) {
  Flags flags;
  if (!Parse(argc, argv, flags)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  StartLogging(LogLevel::kError, LogFormat::kText);
  const Broken broken = RunSeeds(flags);
  if (!broken.any) {
    return EXIT_SUCCESS;
  }
  if (!flags.trace) {
    Metrics metrics(/*max_run_series=*/1);
    Simulate(broken.seed, /*trace=*/true, metrics);
  }
  std::printf("seed %llu breaks a promise %s\nagain: simulation --seed=%llu --trace\n",
              static_cast<unsigned long long>(broken.seed), broken.fault.c_str(),
              static_cast<unsigned long long>(broken.seed));
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace lehr::simulation

int main(int argc, char** argv) { return lehr::simulation::Main(argc, argv); }

#include "tests/study/efficacy/targets.h"

#include <cmath>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/study/efficacy/paired.h"

namespace lehr {
namespace {

constexpr std::string_view kOurs = "reheat";
constexpr std::string_view kToys[] = {"xor-paper", "xor-221-bce", "xor-221-mse", "xor-241-bce",
                                      "xor-241-mse"};

std::string TitleOf(std::string_view task) {
  for (const StudyTask& known : StudyTasks()) {
    if (known.name == task) {
      return known.title;
    }
  }
  return std::string(task);
}

Verdict VerdictOf(bool met) { return met ? Verdict::kMet : Verdict::kMissed; }

std::string ShareText(int64_t part, int64_t whole) {
  return absl::StrFormat("%.4g %% (%d of %d)",
                         100.0 * static_cast<double>(part) / static_cast<double>(whole), part,
                         whole);
}

std::string StepsText(int64_t steps) { return steps < 0 ? "never" : absl::StrCat(steps); }

// At least `percent` of our runs are counted by `count`.
Target ShareTarget(const std::vector<Row>& rows, std::string_view task, double percent,
                   std::string_view what, int64_t (*count)(const Row&)) {
  Target target = {.name = absl::StrFormat("%s: %g %% %s", TitleOf(task), percent,
                                           absl::string_view(what.data(), what.size()))};
  if (const Row* row = Find(rows, task, kOurs)) {
    target.outcome = ShareText(count(*row), Seeds(*row));
    target.verdict = VerdictOf(100.0 * static_cast<double>(count(*row)) >=
                               percent * static_cast<double>(Seeds(*row)));
  }
  return target;
}

// A quantile of our steps is at most `limit` times that of restart's.
Target RatioTarget(const std::vector<Row>& rows, std::string_view task, int percent, double limit) {
  Target target = {
      .name = limit == 1 ? absl::StrFormat("%s: p%d at most restart's", TitleOf(task), percent)
                         : absl::StrFormat("%s: p%d at most %g of restart's", TitleOf(task),
                                           percent, limit)};
  const Row* ours = Find(rows, task, kOurs);
  const Row* restart = Find(rows, task, "restart");
  if (ours == nullptr || restart == nullptr) {
    return target;
  }
  const int64_t our_steps = StepsQuantile(*ours, percent / 100.0);
  const int64_t their_steps = StepsQuantile(*restart, percent / 100.0);
  const std::string steps = absl::StrCat(StepsText(our_steps), " against ", StepsText(their_steps));
  if (our_steps < 0 || their_steps < 0) {
    target.outcome = steps;
    target.verdict = VerdictOf(our_steps >= 0);
    return target;
  }
  const double ratio = static_cast<double>(our_steps) / static_cast<double>(their_steps);
  target.outcome = absl::StrFormat("%.3f (%s)", ratio, steps);
  target.verdict = VerdictOf(ratio <= limit);
  return target;
}

// Runs that plain training leaves at three right of four.
Target StuckAtThreeQuarters(const std::vector<Row>& rows) {
  Target target = {.name = "XOR runs that plain training leaves at 75 %: 100 % freed"};
  int64_t stuck = 0;
  int64_t freed = 0;
  for (const std::string_view task : kToys) {
    const Row* plain = Find(rows, task, "none");
    const Row* ours = Find(rows, task, kOurs);
    if (plain == nullptr || ours == nullptr) {
      continue;
    }
    std::set<uint64_t> stuck_seeds;
    for (const TrialResult& trial : plain->trials) {
      if (!trial.ends_there && trial.final_accuracy == 0.75) {
        stuck_seeds.insert(trial.seed);
      }
    }
    for (const TrialResult& trial : ours->trials) {
      if (stuck_seeds.count(trial.seed) > 0) {
        ++stuck;
        freed += trial.ends_there ? 1 : 0;
      }
    }
  }
  if (stuck > 0) {
    target.outcome = ShareText(freed, stuck);
    target.verdict = VerdictOf(freed == stuck);
  }
  return target;
}

// No perturbation in the healthy runs on one kind of data, and so plain training's parameters.
Target Untouched(const std::vector<Row>& rows, Task data, std::string_view title) {
  Target target = {.name = absl::StrCat("healthy runs on ",
                                        absl::string_view(title.data(), title.size()),
                                        ": none touched, bit-identical to plain training's")};
  int64_t runs = 0;
  int64_t touched = 0;
  std::string where;
  Twins twins;
  for (const Row& row : rows) {
    if (!row.task->healthy || row.task->data != data || PolicyOf(row) != kOurs) {
      continue;
    }
    runs += Seeds(row);
    touched += Touched(row);
    if (Touched(row) > 0) {
      absl::StrAppendFormat(&where, "; %d on %s", Touched(row), row.task->title);
    }
    if (const Row* plain = Find(rows, row.task->name, "none")) {
      const Twins of_row = TwinsOf(*plain, row);
      twins.pairs += of_row.pairs;
      twins.identical += of_row.identical;
    }
  }
  if (runs > 0) {
    target.outcome = absl::StrFormat("%d of %d touched, %d of %d identical%s", touched, runs,
                                     twins.identical, twins.pairs, where);
    const bool met = touched == 0 && twins.identical == twins.pairs;
    target.verdict = met && twins.pairs < runs ? Verdict::kNotMeasured : VerdictOf(met);
  }
  return target;
}

Target NoPeerIsBetter(const std::vector<Row>& rows) {
  Target target = {.name = "no peer is better on any task (paired seeds, p < 0.001 after Holm)"};
  const std::vector<PeerComparison> comparisons = CompareWithPeers(rows);
  std::string better;
  for (const PeerComparison& comparison : comparisons) {
    if (PeerIsBetter(comparison)) {
      absl::StrAppend(&better, better.empty() ? "better: " : "; ", comparison.peer->arm, " on ",
                      comparison.peer->task->title);
    }
  }
  if (!comparisons.empty()) {
    target.outcome =
        better.empty() ? absl::StrCat("none in ", comparisons.size(), " comparisons") : better;
    target.verdict = VerdictOf(better.empty());
  }
  return target;
}

}  // namespace

std::vector<Target> CheckTargets(const std::vector<Row>& rows) {
  constexpr std::string_view kReach = "reach the goal";
  constexpr std::string_view kEnd = "are there at the end";
  std::vector<Target> targets = {
      ShareTarget(rows, "xor-paper", 100, kReach, Reached),
      RatioTarget(rows, "xor-paper", 90, 1),
      RatioTarget(rows, "xor-paper", 99, 1),
  };
  for (const std::string_view task : {"xor-221-bce", "xor-221-mse"}) {
    targets.push_back(ShareTarget(rows, task, 100, kReach, Reached));
    targets.push_back(RatioTarget(rows, task, 50, 0.8));
    targets.push_back(RatioTarget(rows, task, 99, 1));
  }
  targets.push_back(StuckAtThreeQuarters(rows));
  targets.push_back(ShareTarget(rows, "digits-deep", 100, kReach, Reached));
  targets.push_back(ShareTarget(rows, "digits-deep", 95, kEnd, Successes));
  targets.push_back(ShareTarget(rows, "digits-deep-he", 100, kReach, Reached));
  targets.push_back(ShareTarget(rows, "digits-narrow", 95, kReach, Reached));
  targets.push_back(ShareTarget(rows, "digits-born-dead", 100, kReach, Reached));
  targets.push_back(ShareTarget(rows, "fashion-deep", 95, kReach, Reached));
  targets.push_back(Untouched(rows, Task::kDigits, "digits"));
  targets.push_back(Untouched(rows, Task::kFashionMnist, "Fashion-MNIST"));
  targets.push_back(Untouched(rows, Task::kSpirals, "two spirals"));
  targets.push_back(NoPeerIsBetter(rows));
  return targets;
}

}  // namespace lehr

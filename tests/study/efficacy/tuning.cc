#include "tests/study/efficacy/tuning.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "absl/strings/str_format.h"

namespace lehr {
namespace {

Arm Literal(double base) { return {"literal", absl::StrFormat("literal (base %g)", base), {base}}; }

Arm Constant(double eta) { return {"constant", absl::StrFormat("constant (η %g)", eta), {eta}}; }

Arm Restart(double window) {
  return {"restart", absl::StrFormat("restart (window %g)", window), {window}};
}

struct ShrinkPerturbSettings {
  double window;
  double shrink;
  double scale;
};

Arm ShrinkPerturb(const ShrinkPerturbSettings& settings) {
  return {"shrink-perturb",
          absl::StrFormat("shrink-perturb (window %g λ %g scale %g)", settings.window,
                          settings.shrink, settings.scale),
          {settings.window, settings.shrink, settings.scale}};
}

struct RedoSettings {
  double period;
  double threshold;
};

Arm Redo(const RedoSettings& settings) {
  return {"redo",
          absl::StrFormat("redo (F %g τ %g)", settings.period, settings.threshold),
          {settings.period, settings.threshold}};
}

// The best setting of each peer for one task.
struct Tuned {
  std::string_view task;
  double base;
  double eta;
  double restart_window;
  ShrinkPerturbSettings shrink_perturb;
  RedoSettings redo;
};

constexpr Tuned kTuned[] = {
    {"xor-paper", 0.1, 0.01, 2, {5, 0.2, 0.5}, {10, 0.1}},
    {"xor-221-bce", 0.3, 1, 5, {5, 0.2, 1}, {100, 0.1}},
    {"xor-221-mse", 0.3, 1, 2, {5, 0.2, 1}, {10, 0.025}},
    {"xor-241-bce", 0.3, 1, 3, {5, 0.2, 1}, {300, 0}},
    {"xor-241-mse", 0.3, 1, 2, {5, 0.5, 1}, {30, 0.025}},
    {"spirals-deep", 0.03, 0.01, 100, {100, 0.5, 1}, {30, 0}},
    {"digits-deep", 0.001, 0.3, 5, {10, 0.8, 1}, {300, 0}},
    {"digits-deep-he", 0.001, 0.01, 40, {10, 0.8, 0.1}, {100, 0.025}},
    {"digits-deep-adam", 0.001, 0.01, 40, {5, 0.8, 1}, {300, 0.1}},
    {"digits-narrow", 0.01, 0.3, 40, {20, 0.5, 1}, {1000, 0}},
    {"digits-born-dead", 0.001, 0.3, 5, {5, 0.2, 1}, {100, 0.025}},
    {"digits-killed", 0.001, 0.01, 5, {5, 0.2, 1}, {100, 0.025}},
};

const Tuned& TunedFor(std::string_view task) {
  const auto* const found = std::find_if(std::begin(kTuned), std::end(kTuned),
                                         [&](const Tuned& tuned) { return tuned.task == task; });
  return found != std::end(kTuned) ? *found : TunedFor("digits-deep");
}

}  // namespace

std::vector<Arm> TuningGrid(const StudyTask& task) {
  const bool full_batch = task.batch_size == 0;
  std::vector<Arm> arms = {{"none", "none", {}}};
  for (const double base : {0.001, 0.01, 0.03, 0.1, 0.3, 1.0}) {
    arms.push_back(Literal(base));
  }
  for (const double eta : {0.01, 0.3, 1.0}) {
    arms.push_back(Constant(eta));
  }
  for (const double window : full_batch ? std::vector<double>{2, 3, 5, 10, 20, 50, 100}
                                        : std::vector<double>{5, 10, 20, 40}) {
    arms.push_back(Restart(window));
  }
  for (const double window :
       full_batch ? std::vector<double>{5, 10, 20, 50, 100} : std::vector<double>{5, 10, 20}) {
    for (const double shrink : {0.2, 0.5, 0.8}) {
      for (const double scale : {0.1, 0.5, 1.0}) {
        arms.push_back(ShrinkPerturb({window, shrink, scale}));
      }
    }
  }
  for (const double period : full_batch ? std::vector<double>{10, 30, 100, 300, 1000}
                                        : std::vector<double>{100, 300, 1000, 3000}) {
    for (const double threshold : {0.0, 0.025, 0.1}) {
      arms.push_back(Redo({period, threshold}));
    }
  }
  return arms;
}

std::vector<Arm> TableArms(const StudyTask& task) {
  const Tuned& tuned = TunedFor(task.name);
  return {{"none", "none", {}},
          Literal(tuned.base),
          Constant(tuned.eta),
          Restart(tuned.restart_window),
          ShrinkPerturb(tuned.shrink_perturb),
          Redo(tuned.redo),
          {"reheat-bare", "reheat-bare (no snapshots)", {}},
          {"reheat", "reheat", {}}};
}

}  // namespace lehr

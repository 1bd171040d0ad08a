// What the peers are set to in the table, and what they were tuned over. RESULTS.md has the
// outcome.
#include "absl/strings/str_format.h"
#include "tests/study/efficacy/treatment.h"

namespace lehr {
namespace {

bool IsFullBatch(const StudyTask& task) { return task.batch_size == 0; }

// Windows are in steps: a digits epoch has 23.
std::vector<double> Windows(const StudyTask& task) {
  return IsFullBatch(task) ? std::vector<double>{5, 10, 20, 50, 100}
                           : std::vector<double>{115, 230, 460};
}

Arm Literal(double base) { return {"literal", absl::StrFormat("literal, base %g", base), {base}}; }
Arm Constant(double eta) {
  return {"constant", absl::StrFormat("gradient noise, η %g", eta), {eta}};
}
Arm Restart(double window) {
  return {"restart", absl::StrFormat("restart, window %g", window), {window}};
}
Arm ShrinkPerturb(double window, double shrink, double scale) {
  return {"shrink-perturb",
          absl::StrFormat("shrink-perturb, λ %g, scale %g, window %g", shrink, scale, window),
          {window, shrink, scale}};
}

double BestBase(const StudyTask& task) {
  if (task.data == Task::kXorReluSum) {
    return 0.1;
  }
  return task.data == Task::kXor ? 0.3 : 0.001;
}

}  // namespace

std::vector<Arm> TuningGrid(const StudyTask& task) {
  std::vector<Arm> arms;
  for (const double base : {0.001, 0.01, 0.03, 0.1, 0.3, 1.0}) {
    arms.push_back(Literal(base));
  }
  for (const double eta : {0.01, 0.3, 1.0}) {
    arms.push_back(Constant(eta));
  }
  for (const double window : Windows(task)) {
    arms.push_back(Restart(window));
    for (const double shrink : {0.2, 0.5, 0.8}) {
      for (const double scale : {0.1, 0.5, 1.0}) {
        arms.push_back(ShrinkPerturb(window, shrink, scale));
      }
    }
  }
  return arms;
}

std::vector<Arm> TableArms(const StudyTask& task) {
  const double window = IsFullBatch(task) ? 5 : 230;
  return {{"none", "none", {}},
          Literal(BestBase(task)),
          Constant(IsFullBatch(task) ? 1 : 0.01),
          Restart(window),
          ShrinkPerturb(window, 0.2, 1),
          {"reheat-bare", "reheat without snapshots", {}},
          {"reheat", "reheat", {}}};
}

}  // namespace lehr

#include "tests/study/efficacy/arm.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/study/efficacy/gradient_noise.h"
#include "tests/study/efficacy/redo.h"
#include "tests/study/efficacy/restart.h"
#include "tests/study/efficacy/shrink_perturb.h"
#include "tests/study/efficacy/supervised.h"

namespace lehr {
namespace {

class None : public Treatment {};

}  // namespace

absl::StatusOr<std::unique_ptr<Treatment>> MakeTreatment(const Arm& arm, const Patient& patient) {
  const std::vector<double>& settings = arm.settings;
  if (arm.name == "none") {
    return std::make_unique<None>();
  }
  if (arm.name == "reheat" || arm.name == "reheat-bare") {
    return MakeSupervised(patient, Policy{.rule = ReheatPolicy{.planned_steps = patient.steps}},
                          /*whole_dataset=*/true,
                          /*snapshot_capacity=*/arm.name == "reheat" ? 2 : 0);
  }
  if (arm.name == "literal") {
    const double min_imbalance = patient.task.data == Task::kXorReluSum ? 0.1 : 0;
    return MakeSupervised(patient, Policy{.rule = ErrorDrivenPolicy{settings.at(0), min_imbalance}},
                          /*whole_dataset=*/false, /*snapshot_capacity=*/0);
  }
  if (arm.name == "constant") {
    return MakeGradientNoise(patient, settings.at(0));
  }
  if (arm.name == "restart") {
    return MakeRestart(patient, static_cast<int64_t>(settings.at(0)));
  }
  if (arm.name == "shrink-perturb") {
    return MakeShrinkPerturb(patient, static_cast<int64_t>(settings.at(0)), settings.at(1),
                             settings.at(2));
  }
  if (arm.name == "redo") {
    return MakeRedo(patient, static_cast<int64_t>(settings.at(0)), settings.at(1));
  }
  return absl::NotFoundError(absl::StrCat("no treatment is named ", arm.name));
}

}  // namespace lehr

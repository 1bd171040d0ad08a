#include "tests/study/efficacy/shrink_perturb.h"

#include <random>

#include "tests/study/efficacy/stall_watch.h"
#include "trainer/initialization.h"

namespace lehr {
namespace {

class ShrinkPerturb : public Treatment {
 public:
  ShrinkPerturb(const Patient& patient, int64_t window, double shrink, double scale)
      : patient_(patient),
        watch_(patient, window),
        shrink_(static_cast<float>(shrink)),
        scale_(static_cast<float>(scale)),
        fresh_(patient.model.architecture(), /*max_rows=*/1) {}

  bool AfterUpdate(const StepView& step) override {
    if (!watch_.Stalls(step)) {
      return false;
    }
    std::mt19937_64 generator(patient_.seed * 0x9e3779b97f4a7c15u + ++times_);
    Initialize(patient_.task.initial, generator(), fresh_.tensors());
    for (size_t i = 0; i < fresh_.tensors().size(); ++i) {
      const absl::Span<float> values = patient_.model.tensors()[i].values;
      for (size_t k = 0; k < values.size(); ++k) {
        values[k] = shrink_ * values[k] + scale_ * fresh_.tensors()[i].values[k];
      }
    }
    ResetOptimizer(patient_);
    watch_.Begin();
    return true;
  }

 private:
  Patient patient_;
  StallWatch watch_;
  const float shrink_;
  const float scale_;
  Mlp fresh_;
  uint64_t times_ = 0;
};

}  // namespace

std::unique_ptr<Treatment> MakeShrinkPerturb(const Patient& patient, int64_t window, double shrink,
                                             double scale) {
  return std::make_unique<ShrinkPerturb>(patient, window, shrink, scale);
}

}  // namespace lehr

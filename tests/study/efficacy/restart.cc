#include "tests/study/efficacy/restart.h"

#include <random>

#include "tests/study/efficacy/stall_watch.h"
#include "trainer/initialization.h"

namespace lehr {
namespace {

class Restart : public Treatment {
 public:
  Restart(const Patient& patient, int64_t window) : patient_(patient), watch_(patient, window) {}

  bool AfterUpdate(const StepView& step) override {
    if (!watch_.Stalls(step)) {
      return false;
    }
    std::mt19937_64 generator(patient_.seed * 0x9e3779b97f4a7c15u + ++restarts_);
    Initialize(patient_.task.initial, generator(), patient_.model.tensors());
    ResetOptimizer(patient_);
    watch_.Begin();
    return true;
  }

 private:
  Patient patient_;
  StallWatch watch_;
  uint64_t restarts_ = 0;
};

}  // namespace

std::unique_ptr<Treatment> MakeRestart(const Patient& patient, int64_t window) {
  return std::make_unique<Restart>(patient, window);
}

}  // namespace lehr

#include "tests/study/efficacy/gradient_noise.h"

#include <cmath>
#include <random>

namespace lehr {
namespace {

class GradientNoise : public Treatment {
 public:
  GradientNoise(const Patient& patient, double eta)
      : model_(patient.model), eta_(eta), generator_(patient.seed ^ 0x6e6f697365) {}

  void BeforeUpdate(const StepView& step) override {
    constexpr double kDecay = 0.55;
    const double stddev = std::sqrt(eta_ / std::pow(1.0 + static_cast<double>(step.step), kDecay));
    for (float& gradient : model_.gradients()) {
      gradient += static_cast<float>(stddev * normal_(generator_));
    }
  }

 private:
  Mlp& model_;
  const double eta_;
  std::mt19937_64 generator_;
  std::normal_distribution<double> normal_;
};

}  // namespace

std::unique_ptr<Treatment> MakeGradientNoise(const Patient& patient, double eta) {
  return std::make_unique<GradientNoise>(patient, eta);
}

}  // namespace lehr

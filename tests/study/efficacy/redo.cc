#include "tests/study/efficacy/redo.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <random>

#include "trainer/initialization.h"

namespace lehr {
namespace {

// The tensors of a layer, by their place in the model.
size_t WeightOf(size_t layer) { return 2 * layer; }
size_t BiasOf(size_t layer) { return 2 * layer + 1; }

class Redo : public Treatment {
 public:
  Redo(const Patient& patient, int64_t period, double threshold)
      : patient_(patient),
        period_(period),
        threshold_(threshold),
        fresh_(patient.model.architecture(), /*max_rows=*/1) {}

  bool AfterUpdate(const StepView& step) override {
    if ((step.step + 1) % period_ != 0) {
      return false;
    }
    std::vector<std::vector<int64_t>> dormant;
    const std::vector<int64_t>& hidden = patient_.model.architecture().hidden;
    for (size_t layer = 0; layer < hidden.size(); ++layer) {
      dormant.push_back(DormantUnits(patient_.model.activations(layer), hidden[layer], threshold_));
    }
    if (std::all_of(dormant.begin(), dormant.end(), [](const auto& d) { return d.empty(); })) {
      return false;
    }
    Recycle(dormant);
    return true;
  }

 private:
  // Where both ends of a weight are dormant it becomes 0, as in the authors' code.
  void Recycle(const std::vector<std::vector<int64_t>>& dormant) {
    std::mt19937_64 generator(patient_.seed * 0x9e3779b97f4a7c15u + ++times_);
    Initialize(patient_.task.initial, generator(), fresh_.tensors());
    for (size_t layer = 0; layer < dormant.size(); ++layer) {
      for (const int64_t unit : dormant[layer]) {
        DrawIncoming(layer, unit);
      }
    }
    for (size_t layer = 0; layer < dormant.size(); ++layer) {
      for (const int64_t unit : dormant[layer]) {
        ClearOutgoing(layer, unit);
      }
    }
  }

  void DrawIncoming(size_t layer, int64_t unit) {
    const int64_t inputs = patient_.model.tensors()[WeightOf(layer)].shape[1];
    for (int64_t i = 0; i < inputs; ++i) {
      const int64_t index = unit * inputs + i;
      Set(WeightOf(layer), index, fresh_.tensors()[WeightOf(layer)].values[index]);
    }
    patient_.model.tensors()[BiasOf(layer)].values[unit] =
        fresh_.tensors()[BiasOf(layer)].values[unit];
  }

  // Units whose sum is the output have no outgoing weights.
  void ClearOutgoing(size_t layer, int64_t unit) {
    const size_t next = WeightOf(layer + 1);
    if (next >= patient_.model.tensors().size()) {
      return;
    }
    const std::vector<int64_t>& shape = patient_.model.tensors()[next].shape;
    for (int64_t output = 0; output < shape[0]; ++output) {
      Set(next, output * shape[1] + unit, 0);
    }
  }

  void Set(size_t tensor, int64_t index, float value) {
    patient_.model.tensors()[tensor].values[index] = value;
    Optimizer::TensorState& state = patient_.optimizer.states()[tensor];
    state.first_moment[index] = 0;
    if (!state.second_moment.empty()) {
      state.second_moment[index] = 0;
    }
  }

  Patient patient_;
  const int64_t period_;
  const double threshold_;
  Mlp fresh_;
  uint64_t times_ = 0;
};

}  // namespace

std::unique_ptr<Treatment> MakeRedo(const Patient& patient, int64_t period, double threshold) {
  return std::make_unique<Redo>(patient, period, threshold);
}

std::vector<int64_t> DormantUnits(absl::Span<const float> activations, int64_t units,
                                  double threshold) {
  std::vector<double> sums(units);
  for (size_t i = 0; i < activations.size(); ++i) {
    sums[i % units] += activations[i];
  }
  const double mean = std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(units);
  std::vector<int64_t> dormant;
  for (int64_t unit = 0; unit < units; ++unit) {
    if (sums[unit] <= threshold * mean) {
      dormant.push_back(unit);
    }
  }
  return dormant;
}

}  // namespace lehr

#include "trainer/dataset.h"

#include <cmath>

#include "trainer/random.h"

namespace lehr {
namespace {

void AppendExample(const Examples& from, uint64_t index, int64_t features, Examples& to) {
  const auto row = from.inputs.begin() + static_cast<int64_t>(index) * features;
  to.inputs.insert(to.inputs.end(), row, row + features);
  to.labels.push_back(from.labels[index]);
}

void ShiftAndScale(Examples& examples, int64_t features, int64_t feature, double shift,
                   double scale) {
  for (int64_t row = 0; row < examples.size(); ++row) {
    float& value = examples.inputs[row * features + feature];
    value = static_cast<float>((value - shift) * scale);
  }
}

}  // namespace

Dataset SplitForTest(const Examples& examples, int64_t features, int64_t classes, uint64_t seed) {
  Dataset dataset = {.features = features, .classes = classes};
  const std::vector<uint64_t> order = RandomPermutation(examples.size(), seed);
  const size_t test_size = order.size() / 5;
  for (size_t i = 0; i < order.size(); ++i) {
    AppendExample(examples, order[i], features, i < test_size ? dataset.test : dataset.train);
  }
  return dataset;
}

void Standardize(Dataset& dataset) {
  const auto count = static_cast<double>(dataset.train.size());
  for (int64_t feature = 0; feature < dataset.features; ++feature) {
    double sum = 0;
    for (int64_t row = 0; row < dataset.train.size(); ++row) {
      sum += dataset.train.inputs[row * dataset.features + feature];
    }
    const double mean = sum / count;
    double squares = 0;
    for (int64_t row = 0; row < dataset.train.size(); ++row) {
      const double deviation = dataset.train.inputs[row * dataset.features + feature] - mean;
      squares += deviation * deviation;
    }
    const double scale = squares > 0 ? 1.0 / std::sqrt(squares / count) : 0.0;
    ShiftAndScale(dataset.train, dataset.features, feature, mean, scale);
    ShiftAndScale(dataset.test, dataset.features, feature, mean, scale);
  }
}

}  // namespace lehr

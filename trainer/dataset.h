// Labelled examples in memory, and their split into a training and a test set.
#ifndef LEHR_TRAINER_DATASET_H_
#define LEHR_TRAINER_DATASET_H_

#include <cstdint>
#include <vector>

namespace lehr {

struct Examples {
  // [examples, features] row-major.
  std::vector<float> inputs;
  // The class of each example: 0, 1, ....
  std::vector<int32_t> labels;

  int64_t size() const { return static_cast<int64_t>(labels.size()); }
};

struct Dataset {
  // An example's id is its index here.
  Examples train;
  // Empty where a task has no test set.
  Examples test;
  int64_t features = 0;
  int64_t classes = 0;
};

// Draws a fifth of the examples (rounded down) as the test set; the same seed draws the same ones.
Dataset SplitForTest(const Examples& examples, int64_t features, int64_t classes, uint64_t seed);

// Shifts and scales every feature to mean 0 and standard deviation 1 over the training set, and the
// test set alike. A feature that is constant in the training set becomes 0 there.
void Standardize(Dataset& dataset);

}  // namespace lehr

#endif  // LEHR_TRAINER_DATASET_H_

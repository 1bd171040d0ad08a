// The loss and accuracy of a model over a whole set of examples.
#ifndef LEHR_TRAINER_EVALUATION_H_
#define LEHR_TRAINER_EVALUATION_H_

#include <vector>

#include "trainer/dataset.h"
#include "trainer/losses.h"
#include "trainer/mlp.h"

namespace lehr {

struct Evaluation {
  // Share of the examples that are given their label: [0, 1].
  double accuracy = 0;
  double mean_loss = 0;
};

// There must be at least one example. losses, if given, receives the loss of each example.
Evaluation Evaluate(Mlp& model, Loss loss, const Examples& examples,
                    std::vector<float>* losses = nullptr);

}  // namespace lehr

#endif  // LEHR_TRAINER_EVALUATION_H_

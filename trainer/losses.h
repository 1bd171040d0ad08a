// The training losses, a loss for each example, with their gradients.
//
// outputs [rows, width] come from the network, labels are classes 0, 1, ....
//
//   softmax cross-entropy    −log softmax(y)[label]
//   binary cross-entropy     Σ over outputs of −t·log s(y) − (1−t)·log(1 − s(y)), s the logistic
//   function, over width mean squared error       Σ over outputs of (y − t)², over width
//
// The targets t: with one output the label itself (0 or 1), otherwise 1 for the label's output and
// 0 for the others. A batch is trained on the mean of its losses, as PyTorch's CrossEntropyLoss,
// BCEWithLogitsLoss and MSELoss do.
//
//   std::vector<float> losses(rows), gradient(rows * width);
//   ComputeLosses(Loss::kSoftmaxCrossEntropy, outputs, labels, absl::MakeSpan(losses),
//                 absl::MakeSpan(gradient));
//
// Nothing allocates or fails: a NaN in an output is a NaN in its loss. Safe to call from any
// thread.
#ifndef LEHR_TRAINER_LOSSES_H_
#define LEHR_TRAINER_LOSSES_H_

#include <cstdint>

#include "absl/types/span.h"

namespace lehr {

enum class Loss { kSoftmaxCrossEntropy, kBinaryCrossEntropy, kMeanSquaredError };

// Outputs that a network needs to tell `classes` classes apart under this loss.
int64_t OutputsFor(Loss loss, int64_t classes);

// One loss for each label and, unless `gradient` is empty, the gradient by each output of their sum
// divided by batch_size, the examples of the batch that the labels are a part of; 0: all of it.
void ComputeLosses(Loss loss, absl::Span<const float> outputs, absl::Span<const int32_t> labels,
                   absl::Span<float> losses, absl::Span<float> gradient = {},
                   int64_t batch_size = 0);

// How many examples are given their label: the class with the highest output; with one output,
// class 1 above logit 0 (binary cross-entropy) or above 0.5 (mean squared error).
int64_t CountCorrect(Loss loss, absl::Span<const float> outputs, absl::Span<const int32_t> labels);

}  // namespace lehr

#endif  // LEHR_TRAINER_LOSSES_H_

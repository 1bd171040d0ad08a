#include "trainer/evaluation.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "absl/types/span.h"

namespace lehr {

Evaluation Evaluate(Mlp& model, Loss loss, const Examples& examples, std::vector<float>* losses) {
  std::vector<float> batch_losses(std::min(model.max_rows(), examples.size()));
  if (losses != nullptr) {
    losses->clear();
  }
  int64_t correct = 0;
  double sum = 0;
  for (int64_t begin = 0; begin < examples.size(); begin += model.max_rows()) {
    const int64_t rows = std::min(model.max_rows(), examples.size() - begin);
    const auto labels = absl::MakeConstSpan(examples.labels).subspan(begin, rows);
    const absl::Span<const float> outputs =
        model.Forward(examples.inputs.data() + begin * model.architecture().inputs, rows);
    const auto of_batch = absl::MakeSpan(batch_losses).first(rows);
    ComputeLosses(loss, outputs, labels, of_batch);
    correct += CountCorrect(loss, outputs, labels);
    sum = std::accumulate(of_batch.begin(), of_batch.end(), sum);
    if (losses != nullptr) {
      losses->insert(losses->end(), of_batch.begin(), of_batch.end());
    }
  }
  const auto count = static_cast<double>(examples.size());
  return {.accuracy = static_cast<double>(correct) / count, .mean_loss = sum / count};
}

}  // namespace lehr

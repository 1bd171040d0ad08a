// How much a training step costs beside its matrix products: both are timed in turns within one
// run, and the ratio of their medians is printed. Figures are CPU time of one thread.
//
//   trainer_step_benchmark
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "trainer/initialization.h"
#include "trainer/kernels.h"
#include "trainer/losses.h"
#include "trainer/mlp.h"
#include "trainer/optimizer.h"

namespace lehr {
namespace {

constexpr int kRounds = 201;

class TrainingStep {
 public:
  TrainingStep(const Architecture& architecture, Loss loss, OptimizerKind kind, int64_t rows)
      : loss_(loss),
        rows_(rows),
        model_(architecture, rows),
        optimizer_({.kind = kind, .learning_rate = 1e-4}, model_.tensors()),
        inputs_(rows * architecture.inputs),
        labels_(rows),
        losses_(rows),
        output_gradient_(rows * architecture.outputs) {
    Initialize(InitialValues::kTorch, /*seed=*/1, model_.tensors());
    for (size_t i = 0; i < inputs_.size(); ++i) {
      inputs_[i] = static_cast<float>(i * 7919 % 1000) / 1000.0F;
    }
    for (int64_t row = 0; row < rows; ++row) {
      labels_[row] = static_cast<int32_t>(row % std::max<int64_t>(architecture.outputs, 2));
    }
  }

  void operator()() {
    const auto outputs = model_.Forward(inputs_.data(), rows_);
    ComputeLosses(loss_, outputs, labels_, absl::MakeSpan(losses_),
                  absl::MakeSpan(output_gradient_));
    model_.Backward(inputs_.data(), output_gradient_.data(), rows_);
    optimizer_.Step();
  }

 private:
  const Loss loss_;
  const int64_t rows_;
  Mlp model_;
  Optimizer optimizer_;
  std::vector<float> inputs_;
  std::vector<int32_t> labels_;
  std::vector<float> losses_;
  std::vector<float> output_gradient_;
};

// The Eigen products of a step and nothing else: a bound from below.
class Products {
 public:
  Products(const std::vector<int64_t>& widths, int64_t rows) : widths_(widths), rows_(rows) {
    const int64_t widest = *std::max_element(widths.begin(), widths.end());
    a_.resize(rows * widest, 0.5F);
    b_.resize(widest * widest, 0.25F);
    c_.resize(std::max(rows, widest) * widest);
  }

  void operator()() {
    for (size_t i = 0; i + 1 < widths_.size(); ++i) {
      const int64_t in = widths_[i];
      const int64_t out = widths_[i + 1];
      Kernels().product_nt(a_.data(), b_.data(), c_.data(), rows_, out, in);
      Kernels().product_tn(a_.data(), b_.data(), c_.data(), out, in, rows_);
      if (i > 0) {
        Kernels().product_nn(a_.data(), b_.data(), c_.data(), rows_, in, out);
      }
    }
  }

 private:
  const std::vector<int64_t> widths_;
  const int64_t rows_;
  std::vector<float> a_;
  std::vector<float> b_;
  std::vector<float> c_;
};

// CPU time of this thread, in microseconds.
double ThreadMicroseconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// Microseconds of one call, over `calls` calls.
template <typename Work>
double Time(Work& work, int calls) {
  const double start = ThreadMicroseconds();
  for (int i = 0; i < calls; ++i) {
    work();
  }
  return (ThreadMicroseconds() - start) / calls;
}

double Median(std::vector<double> times) {
  std::nth_element(times.begin(), times.begin() + kRounds / 2, times.end());
  return times[kRounds / 2];
}

void Compare(const std::string& name, TrainingStep step, Products products, int calls) {
  std::vector<double> step_times;
  std::vector<double> product_times;
  for (int round = 0; round < kRounds; ++round) {
    step_times.push_back(Time(step, calls));
    product_times.push_back(Time(products, calls));
  }
  const double step_time = Median(step_times);
  const double product_time = Median(product_times);
  std::printf("%-24s step %9.2f us   products %9.2f us   ratio %.2f\n", name.c_str(), step_time,
              product_time, step_time / product_time);
}

void CompareAll() {
  std::printf("kernels: %s\n", Kernels().name);
  const Architecture fashion = {.inputs = 784, .hidden = {256, 128}, .outputs = 10};
  const std::vector<int64_t> fashion_widths = {784, 256, 128, 10};
  Compare("784-256-128-10 sgd",
          {fashion, Loss::kSoftmaxCrossEntropy, OptimizerKind::kSgd, /*rows=*/128},
          {fashion_widths, /*rows=*/128}, /*calls=*/1);
  Compare("784-256-128-10 adam",
          {fashion, Loss::kSoftmaxCrossEntropy, OptimizerKind::kAdam, /*rows=*/128},
          {fashion_widths, /*rows=*/128}, /*calls=*/1);
  Compare("64-32-10 sgd",
          {{.inputs = 64, .hidden = {32}, .outputs = 10},
           Loss::kSoftmaxCrossEntropy,
           OptimizerKind::kSgd,
           /*rows=*/64},
          {{64, 32, 10}, /*rows=*/64}, /*calls=*/20);
  Compare("xor 2-4-1 sgd",
          {{.inputs = 2, .hidden = {4}, .outputs = 1},
           Loss::kBinaryCrossEntropy,
           OptimizerKind::kSgd,
           /*rows=*/4},
          {{2, 4, 1}, /*rows=*/4}, /*calls=*/1000);
  Compare("xor-relu-sum adam",
          {{.inputs = 2, .hidden = {2}, .outputs = 1, .output = Architecture::Output::kSumOfUnits},
           Loss::kMeanSquaredError,
           OptimizerKind::kAdam,
           /*rows=*/4},
          {{2, 2}, /*rows=*/4}, /*calls=*/1000);
}

}  // namespace
}  // namespace lehr

int main() { lehr::CompareAll(); }

// The training loop allocates nothing from step to step: the linker sends every allocation of this
// program through the counters below.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "trainer/initialization.h"
#include "trainer/tasks.h"
#include "trainer/training.h"

namespace {

std::atomic<int64_t> allocations = 0;

}  // namespace

extern "C" {
void* __real_malloc(size_t size);                  // NOLINT
void* __real_calloc(size_t count, size_t size);    // NOLINT
void* __real_realloc(void* pointer, size_t size);  // NOLINT

void* __wrap_malloc(size_t size) {  // NOLINT
  ++allocations;
  return __real_malloc(size);
}
void* __wrap_calloc(size_t count, size_t size) {  // NOLINT
  ++allocations;
  return __real_calloc(count, size);
}
void* __wrap_realloc(void* pointer, size_t size) {  // NOLINT
  ++allocations;
  return __real_realloc(pointer, size);
}
}

// Not inlined, or the compiler takes free for a mismatch of new.
[[gnu::noinline]] void* operator new(size_t size) {
  void* pointer = std::malloc(size);
  if (pointer == nullptr) {
    throw std::bad_alloc();
  }
  return pointer;
}
[[gnu::noinline]] void operator delete(void* pointer) noexcept { std::free(pointer); }
[[gnu::noinline]] void operator delete(void* pointer, size_t) noexcept { std::free(pointer); }

namespace lehr {
namespace {

struct LoopCase {
  std::string name;
  Architecture architecture;
  Loss loss;
  OptimizerKind optimizer;
  int64_t batch_size;
};

class LoopTest : public ::testing::TestWithParam<LoopCase> {};

// Random examples that fit the architecture.
Dataset DataFor(const Architecture& architecture, int64_t examples) {
  Dataset dataset = {.features = architecture.inputs, .classes = 2};
  for (int64_t i = 0; i < examples; ++i) {
    for (int64_t j = 0; j < architecture.inputs; ++j) {
      dataset.train.inputs.push_back(static_cast<float>((i * 31 + j * 17) % 13) / 13.0F);
    }
    dataset.train.labels.push_back(static_cast<int32_t>(i % 2));
  }
  return dataset;
}

TEST_P(LoopTest, AllocatesNothingWithinAnEpoch) {
  const LoopCase& c = GetParam();
  const Dataset dataset = DataFor(c.architecture, c.batch_size * 40);
  Mlp model(c.architecture, c.batch_size);
  Initialize(InitialValues::kTorch, /*seed=*/1, model.tensors());
  Optimizer optimizer({.kind = c.optimizer, .learning_rate = 1e-3}, model.tensors());
  TrainingState state;
  TrainingHooks hooks;
  int64_t after_first_step = 0;
  int64_t after_last_step = 0;
  hooks.progress = [&](const TrainingProgress& progress) {
    (progress.step == 1 ? after_first_step : after_last_step) = allocations;
  };
  ASSERT_TRUE(
      Train({.loss = c.loss, .steps = 40, .batch_size = c.batch_size, .evaluate_every = 1000},
            dataset, model, optimizer, hooks, state)
          .ok());
  EXPECT_GT(after_first_step, 0);
  EXPECT_EQ(after_last_step - after_first_step, 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, LoopTest,
    ::testing::Values(
        LoopCase{"Xor",
                 {.inputs = 2, .hidden = {4}, .outputs = 1},
                 Loss::kBinaryCrossEntropy,
                 OptimizerKind::kSgd,
                 4},
        LoopCase{
            "XorReluSum",
            {.inputs = 2, .hidden = {2}, .outputs = 1, .output = Architecture::Output::kSumOfUnits},
            Loss::kMeanSquaredError,
            OptimizerKind::kAdam,
            4},
        LoopCase{"Digits",
                 {.inputs = 64, .hidden = {32, 32}, .outputs = 10},
                 Loss::kSoftmaxCrossEntropy,
                 OptimizerKind::kAdam,
                 64},
        LoopCase{"FashionMnist",
                 {.inputs = 784, .hidden = {256, 128}, .outputs = 10},
                 Loss::kSoftmaxCrossEntropy,
                 OptimizerKind::kSgd,
                 128}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lehr

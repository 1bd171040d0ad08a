#include "trainer/supervision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/client/scripted_supervisor.h"

namespace lehr {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pair;

// A network of 2-3-3-1 units that trains on nothing: its tests say what the supervisor commands.
class SupervisionTest : public ::testing::Test {
 protected:
  // Each step's decision commands this.
  void Supervise(const v1::Action& action) {
    supervisor_.SetScript([action](const v1::SuperviseRequest& request) {
      Reply reply = Commanding(request);
      if (request.has_join()) {
        *reply.responses[0].mutable_welcome()->mutable_tensors() = request.join().tensors();
      } else if (request.has_report()) {
        *reply.responses[0].mutable_decision()->mutable_actions(0) = action;
      }
      return reply;
    });
    const SupervisionOptions options = {.address = supervisor_.address(),
                                        .run = "r",
                                        .policy = "reheat",
                                        .scope = "batch",
                                        .base_noise_level = 1,
                                        .min_imbalance = 0,
                                        .lag = 0};
    const SupervisedTraining training = {
        .seed = 1, .steps = 10, .examples = 2, .whole_data_set = true};
    hooks_.save_checkpoint = [](const TrainingState&) { return absl::OkStatus(); };
    auto client = lehr::Supervise(options, {}, training, model_, optimizer_, {}, hooks_);
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *client;
  }

  // A step of the training loop, but for its gradients.
  StepOutcome Step(int64_t step) {
    const std::vector<float> losses = {1, 2};
    const std::vector<uint64_t> ids = {0, 1};
    hooks_.after_forward({.step = step, .losses = losses, .example_ids = ids});
    const uint64_t hash = hooks_.command_hash();
    EXPECT_NE(hash, 0u);
    return *hooks_.after_step({.step = step,
                               .totals = {.least_command = hash, .greatest_command = hash},
                               .tensors = model_.tensors(),
                               .is_last = false});
  }

  ScriptedSupervisor supervisor_;
  Mlp model_{{.inputs = 2, .hidden = {3, 3}, .outputs = 1}, /*max_rows=*/2};
  Optimizer optimizer_{{.learning_rate = 0.5}, model_.tensors()};
  TrainingHooks hooks_;
  std::shared_ptr<Client> client_;
};

TEST_F(SupervisionTest, DeclaresTheSquareWeightsAndThatItScalesItsLearningRate) {
  v1::Action action;
  action.mutable_identity();
  Supervise(action);
  Step(0);
  const v1::Join join = supervisor_.joins().at(0);
  EXPECT_TRUE(join.scales_learning_rate());
  std::map<std::string, uint32_t> sides;
  for (const v1::TensorReference& tensor : join.tensors()) {
    sides[tensor.name()] = tensor.side();
  }
  EXPECT_THAT(sides, ElementsAre(Pair("layers.0.bias", 0), Pair("layers.0.weight", 0),
                                 Pair("layers.1.bias", 0), Pair("layers.1.weight", 3),
                                 Pair("layers.2.bias", 0), Pair("layers.2.weight", 0)));
}

TEST_F(SupervisionTest, MakesTheHiddenLayersPassOnWhatTheyGet) {
  for (ModelTensor& tensor : model_.tensors()) {
    std::fill(tensor.values.begin(), tensor.values.end(), 7.0F);
  }
  v1::Action action;
  action.mutable_identity();
  Supervise(action);
  const StepOutcome outcome = Step(0);
  EXPECT_TRUE(outcome.perturbed);
  for (const ModelTensor& tensor : model_.tensors()) {
    if (tensor.name == "layers.1.weight") {
      EXPECT_THAT(tensor.values, ElementsAre(1, 0, 0, 0, 1, 0, 0, 0, 1));
    } else {
      EXPECT_THAT(tensor.values, Each(7)) << tensor.name;
    }
  }
}

TEST_F(SupervisionTest, ScalesTheLearningRateOfTheOptimizer) {
  v1::Action action;
  action.mutable_learning_rate()->set_factor(0.25F);
  Supervise(action);
  const StepOutcome outcome = Step(0);
  EXPECT_FALSE(outcome.perturbed);
  std::fill(model_.gradients().begin(), model_.gradients().end(), 1.0F);
  optimizer_.Step();
  EXPECT_THAT(model_.tensors()[0].values, Each(-0.125F));
}

}  // namespace
}  // namespace lehr

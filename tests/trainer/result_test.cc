#include "trainer/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace lehr {
namespace {

using ::testing::StrEq;
using Json = nlohmann::json;

class ResultTest : public ::testing::Test {
 protected:
  Json Result() const {
    return Json::parse(
        ResultJson(options_, /*ranks=*/3, model_, state_, outcome_, /*wall_seconds=*/1.5));
  }

  TrainerOptions options_ = {.task = Task::kDigits,
                             .data = {.seed = 9},
                             .hidden = {32},
                             .initial = InitialValues::kHe,
                             .loss = Loss::kSoftmaxCrossEntropy,
                             .optimizer = {.learning_rate = 0.25},
                             .steps = 100,
                             .batch_size = 64,
                             .seed = 5,
                             .stop_loss = 0,
                             .evaluate_every = 0,
                             .checkpoint = "",
                             .checkpoint_every = 0,
                             .resume = false,
                             .supervision = std::nullopt,
                             .json = ""};
  Mlp model_{{.inputs = 64, .hidden = {32}, .outputs = 10}, /*max_rows=*/1};
  TrainingState state_ = {.step = 100,
                          .best_train_accuracy = 0.75,
                          .best_test_accuracy = 0.5,
                          .perturbations_applied = 4,
                          .generation = 2};
  TrainingOutcome outcome_ = {.stop_reason = StopReason::kSteps,
                              .message = "",
                              .train = {.accuracy = 0.625, .mean_loss = 0.125},
                              .test = Evaluation{.accuracy = 0.25, .mean_loss = 2.5},
                              .losses_by_example = {0.5, 0.25}};
};

// Others script against it: names and types are a promise.
TEST_F(ResultTest, HasTheFieldsOfTheContract) {
  const Json json = Result();
  EXPECT_EQ(json, Json::parse(R"({
    "task": "digits",
    "seed": 5,
    "data_seed": 9,
    "architecture": "64-32-10",
    "parameters": 2410,
    "init": "he",
    "loss": "softmax",
    "optimizer": "sgd",
    "learning_rate": 0.25,
    "ranks": 3,
    "steps": 100,
    "stop_reason": "steps",
    "message": "",
    "final_train_accuracy": 0.625,
    "best_train_accuracy": 0.75,
    "final_test_accuracy": 0.25,
    "best_test_accuracy": 0.5,
    "final_loss": 0.125,
    "final_test_loss": 2.5,
    "losses_by_example": [0.5, 0.25],
    "perturbations_applied": 4,
    "supervisor": null,
    "parameter_crc32": "180b9082",
    "wall_seconds": 1.5
  })"));
}

TEST_F(ResultTest, WithoutATestSetItsFieldsAreNull) {
  outcome_.test = std::nullopt;
  const Json json = Result();
  EXPECT_TRUE(json.at("final_test_accuracy").is_null());
  EXPECT_TRUE(json.at("best_test_accuracy").is_null());
  EXPECT_TRUE(json.at("final_test_loss").is_null());
}

TEST_F(ResultTest, ALossThatIsNotFiniteIsNull) {
  outcome_.train.mean_loss = NAN;
  outcome_.losses_by_example = {1, INFINITY};
  outcome_.stop_reason = StopReason::kLossNotFinite;
  outcome_.message = "step 3: ...";
  const Json json = Result();
  EXPECT_TRUE(json.at("final_loss").is_null());
  EXPECT_TRUE(json.at("losses_by_example").at(1).is_null());
  EXPECT_EQ(json.at("stop_reason"), "loss_not_finite");
  EXPECT_EQ(json.at("message"), "step 3: ...");
}

TEST_F(ResultTest, TellsTheSupervisor) {
  options_.supervision = SupervisionOptions{.address = "host:1",
                                            .run = "r",
                                            .policy = "error_driven",
                                            .scope = "dataset",
                                            .base_noise_level = 0.5,
                                            .min_imbalance = 0.25,
                                            .lag = 3};
  EXPECT_EQ(Result().at("supervisor"), Json::parse(R"({
    "address": "host:1",
    "run": "r",
    "generation": 2,
    "policy": "error_driven",
    "scope": "dataset",
    "base_noise_level": 0.5,
    "min_imbalance": 0.25,
    "lag": 3
  })"));
}

TEST_F(ResultTest, LineForPeople) {
  EXPECT_EQ(ResultLine(options_, state_, outcome_, /*wall_seconds=*/1.5),
            "digits, seed 5: 100 steps in 1.5 s (steps), train accuracy 62.5 %, test accuracy "
            "25.0 %, loss 0.125");
}

TEST(StopReasonName, OfEach) {
  EXPECT_EQ(ToString(StopReason::kSteps), "steps");
  EXPECT_EQ(ToString(StopReason::kStopLoss), "stop_loss");
  EXPECT_EQ(ToString(StopReason::kLossNotFinite), "loss_not_finite");
  EXPECT_EQ(ToString(StopReason::kInterrupted), "interrupted");
}

// Expected: python3 -c "import zlib,struct; print('%08x' % zlib.crc32(struct.pack('<2f', 1,
// -2.5)))"
TEST(ParameterChecksum, IsTheCrc32OfAllBytes) {
  Mlp model({.inputs = 1, .hidden = {}, .outputs = 1}, /*max_rows=*/1);
  model.tensors()[0].values[0] = 1;
  model.tensors()[1].values[0] = -2.5;
  EXPECT_THAT(ParameterChecksum(model.tensors()), StrEq("560302f4"));
}

}  // namespace
}  // namespace lehr

#include "client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <set>
#include <thread>

#include "absl/synchronization/notification.h"
#include "client/core/command_hash.h"
#include "client/core/noise.h"
#include "client/core/parameter_digest.h"
#include "client/wire.h"
#include "tests/client/rank.h"
#include "tests/client/scripted_supervisor.h"

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What CommandResponse commands about a step.
Perturbation PerturbationOf(int64_t step) {
  return std::get<Perturbation>(ToHeldDecision(CommandResponse(step).decision()).actions.at(0));
}

// What it must do to these parameters.
std::vector<float> Perturbed(const std::string& tensor, std::vector<float> values, int64_t step) {
  const Tensor tensors[] = {{.name = tensor, .values = absl::MakeSpan(values)}};
  EXPECT_TRUE(ApplyPerturbation(PerturbationOf(step), tensors).ok());
  return values;
}

uint64_t HashOf(const v1::Decision& decision) {
  return HashActions(ToHeldDecision(decision).actions);
}

// ---- The main path.

TEST(Client, AppliesTheCommandOfEachStep) {
  ScriptedSupervisor supervisor(Commanding);
  Rank rank(supervisor.address());
  const StepResult result = rank.Step(0);
  EXPECT_TRUE(result.connected);
  EXPECT_TRUE(result.applied);
  EXPECT_EQ(result.perturbed, 6);
  EXPECT_EQ(result.non_finite, 0);
  EXPECT_EQ(result.generation, 1);
  EXPECT_EQ(rank.weights, Perturbed("layer.weight", {1, 2, 3, 4}, 0));
  EXPECT_EQ(rank.biases, Perturbed("layer.bias", {5, 6}, 0));
  const std::vector<float> weights = rank.weights;
  EXPECT_TRUE(rank.Step(1).applied);
  EXPECT_EQ(rank.weights, Perturbed("layer.weight", weights, 1));
}

TEST(Client, LeavesTheParametersAloneWithoutACommand) {
  ScriptedSupervisor supervisor;
  Rank rank(supervisor.address());
  const StepResult result = rank.Step(0);
  EXPECT_FALSE(result.applied);
  ASSERT_TRUE(result.decision.has_value());
  EXPECT_EQ(result.decision->step(), 0);
  EXPECT_EQ(result.decision->observation().temperature(), 0.25);
  EXPECT_THAT(rank.weights, ElementsAre(1, 2, 3, 4));
}

TEST(Client, JoinSaysWhatTheOptionsSay) {
  ScriptedSupervisor supervisor;
  ClientOptions options = Rank::Options(supervisor.address());
  options.rank = 0;
  options.world_size = 1;
  options.job_attempt = "attempt-9";
  options.resume_step = 40;
  options.resume_generation = 3;
  options.branch = 2;
  options.shard_id = 5;
  options.settings.set_run_seed(11);
  options.settings.mutable_policy()->mutable_error_driven()->set_base_noise_level(0.25);
  options.tensors = {{.name = "module.layer.weight", .reference_stddev = 0.5f, .side = 2}};
  options.scale_learning_rate = [](float) {};
  options.labels = {{"model", "mlp"}};
  Rank rank(std::move(options));
  rank.Step(40);
  const v1::Join join = supervisor.joins().at(0);
  EXPECT_EQ(join.run_id(), "test-run");
  EXPECT_EQ(join.world_size(), 1);
  EXPECT_EQ(join.job_attempt(), "attempt-9");
  EXPECT_EQ(join.resume_step(), 40);
  EXPECT_EQ(join.resume_generation(), 3);
  EXPECT_EQ(join.branch(), 2);
  EXPECT_EQ(join.shard_id(), 5);
  EXPECT_EQ(join.settings().run_seed(), 11);
  EXPECT_EQ(join.settings().policy().error_driven().base_noise_level(), 0.25);
  // Three fifths of 60 s.
  EXPECT_EQ(join.settings().straggler_timeout().seconds(), 36);
  ASSERT_EQ(join.tensors_size(), 1);
  EXPECT_EQ(join.tensors(0).name(), "layer.weight");
  EXPECT_EQ(join.tensors(0).reference_stddev(), 0.5f);
  EXPECT_EQ(join.tensors(0).side(), 2);
  EXPECT_TRUE(join.scales_learning_rate());
  EXPECT_TRUE(join.can_agree());
  EXPECT_THAT(join.noise_specs(), ElementsAre(std::string(kNoiseSpec)));
  EXPECT_EQ(join.labels().at("model"), "mlp");
  EXPECT_THAT(join.client(), HasSubstr("lehr-cpp"));
  EXPECT_FALSE(join.process().empty());
}

TEST(Client, DrawsAJobAttemptForASingleRank) {
  ScriptedSupervisor supervisor;
  Rank first(supervisor.address());
  Rank second(supervisor.address());
  first.Step(0);
  second.Step(0);
  const std::vector<v1::Join> joins = supervisor.joins();
  EXPECT_GE(joins.at(0).job_attempt().size(), 16);
  EXPECT_NE(joins.at(0).job_attempt(), joins.at(1).job_attempt());
  EXPECT_NE(joins.at(0).process(), joins.at(1).process());
}

TEST(Client, ReportsLossesWithTheirExamples) {
  ScriptedSupervisor supervisor;
  Rank rank(supervisor.address());
  const std::vector<float> losses = {0.5f, 0.25f, 8};
  const std::vector<uint64_t> ids = {7, 0xffff'ffff'ffff'ffff, 9};
  rank.client().Step(3, losses, ids, rank.tensors());
  const v1::Report report = supervisor.reports().at(0);
  EXPECT_EQ(report.step(), 3);
  EXPECT_THAT(report.losses(), ElementsAre(0.5f, 0.25f, 8));
  EXPECT_THAT(report.example_ids(), ElementsAre(7, 0xffff'ffff'ffff'ffff, 9));
  EXPECT_FALSE(report.more());
  EXPECT_FALSE(report.has_outcome());
}

TEST(Client, SendsABigReportInPieces) {
  ScriptedSupervisor supervisor;
  Rank rank(supervisor.address());
  std::vector<float> losses(2 * kPieceLosses + 3);
  std::vector<uint64_t> ids(losses.size());
  for (size_t i = 0; i < losses.size(); ++i) {
    losses[i] = static_cast<float>(i);
    ids[i] = 2 * i;
  }
  rank.client().Step(0, losses, ids, rank.tensors());
  const std::vector<v1::Report> pieces = supervisor.reports();
  ASSERT_EQ(pieces.size(), 3);
  std::vector<float> received;
  std::vector<uint64_t> received_ids;
  for (size_t i = 0; i < pieces.size(); ++i) {
    EXPECT_EQ(pieces[i].step(), 0);
    EXPECT_EQ(pieces[i].more(), i < 2);
    received.insert(received.end(), pieces[i].losses().begin(), pieces[i].losses().end());
    received_ids.insert(received_ids.end(), pieces[i].example_ids().begin(),
                        pieces[i].example_ids().end());
  }
  EXPECT_EQ(received, losses);
  EXPECT_EQ(received_ids, ids);
}

TEST(Client, ReportsAStepWithoutLosses) {
  ScriptedSupervisor supervisor;
  Rank rank(supervisor.address());
  EXPECT_TRUE(rank.client().Step(0, {}, {}, rank.tensors()).decision.has_value());
  EXPECT_EQ(supervisor.reports().at(0).losses_size(), 0);
}

TEST(Client, TheOutcomeRidesOnTheNextReport) {
  ScriptedSupervisor supervisor(Commanding);
  Rank rank(supervisor.address());
  rank.weights[2] = std::numeric_limits<float>::infinity();
  rank.Step(0);
  rank.Step(1);
  const v1::CommandOutcome outcome = supervisor.reports().at(1).outcome();
  EXPECT_EQ(outcome.step(), 0);
  EXPECT_EQ(outcome.result(), v1::CommandOutcome::RESULT_APPLIED);
  EXPECT_EQ(outcome.perturbed(), 5);
  EXPECT_EQ(outcome.non_finite(), 1);
}

TEST(Client, TheLastStepReportsButDoesNotApply) {
  ScriptedSupervisor supervisor(Commanding);
  Rank rank(supervisor.address());
  const std::vector<float> losses = {1, 2};
  const StepResult result = rank.client().LastStep(0, losses, {});
  EXPECT_FALSE(result.applied);
  EXPECT_TRUE(result.decision.has_value());
  EXPECT_THAT(rank.hashes(), IsEmpty());
}

TEST(Client, NamesTheTensorsWhoseOptimizerStateStartsOver) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    Reply reply = Commanding(request);
    if (request.has_report()) {
      v1::Perturbation& perturbation =
          *reply.responses[0].mutable_decision()->mutable_actions(0)->mutable_perturb();
      perturbation.set_tensor_selector("*.bias");
      perturbation.set_optimizer_state(v1::OPTIMIZER_STATE_RESET);
    }
    return reply;
  });
  Rank rank(supervisor.address());
  EXPECT_THAT(rank.Step(0).reset_optimizer_state, ElementsAre(1));
  EXPECT_THAT(rank.weights, ElementsAre(1, 2, 3, 4));
  EXPECT_NE(rank.biases, (std::vector<float>{5, 6}));
}

// The unit of relative noise must be alike on all ranks, so it is what the supervisor says,
// whatever this trainer believes.
TEST(Client, RelativeNoiseIsInTheUnitThatTheOpenerDeclared) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    Reply reply = Commanding(request);
    if (request.has_join()) {
      for (const char* name : {"layer.weight", "layer.bias"}) {
        v1::TensorReference& tensor = *reply.responses[0].mutable_welcome()->add_tensors();
        tensor.set_name(name);
        tensor.set_reference_stddev(0.25f);
      }
    } else {
      reply.responses[0].mutable_decision()->mutable_actions(0)->mutable_perturb()->set_scale(
          v1::NOISE_SCALE_RELATIVE);
    }
    return reply;
  });
  Rank rank(supervisor.address());
  std::vector<float> expected = {1, 2, 3, 4};
  Perturbation command = PerturbationOf(0);
  command.scale = NoiseScale::kRelative;
  const Tensor tensors[] = {
      {.name = "layer.weight", .values = absl::MakeSpan(expected), .reference_stddev = 0.25f}};
  ASSERT_TRUE(ApplyPerturbation(command, tensors).ok());
  EXPECT_TRUE(rank.Step(0).applied);
  EXPECT_EQ(rank.weights, expected);
}

// Of the 2 x 2 weight, which of the tensors is square being what the supervisor says.
TEST(Client, MakesTheTensorsThatTheOpenerDeclaredSquareTheIdentity) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    Reply reply = Commanding(request);
    if (request.has_join()) {
      v1::TensorReference& tensor = *reply.responses[0].mutable_welcome()->add_tensors();
      tensor.set_name("layer.weight");
      tensor.set_reference_stddev(1);
      tensor.set_side(2);
    } else {
      reply.responses[0].mutable_decision()->mutable_actions(0)->mutable_identity();
    }
    return reply;
  });
  Rank rank(supervisor.address());
  const StepResult result = rank.Step(0);
  EXPECT_TRUE(result.applied);
  EXPECT_EQ(result.perturbed, 4);
  EXPECT_THAT(rank.weights, ElementsAre(1, 0, 0, 1));
  EXPECT_EQ(rank.biases, (std::vector<float>{5, 6}));
}

TEST(Client, ScalesTheLearningRate) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    Reply reply = Commanding(request);
    if (request.has_report()) {
      reply.responses[0]
          .mutable_decision()
          ->mutable_actions(0)
          ->mutable_learning_rate()
          ->set_factor(0.25f);
    }
    return reply;
  });
  std::vector<float> factors;
  ClientOptions options = Rank::Options(supervisor.address());
  options.scale_learning_rate = [&](float factor) { factors.push_back(factor); };
  Rank rank(std::move(options));
  EXPECT_TRUE(rank.Step(0).applied);
  EXPECT_THAT(factors, ElementsAre(0.25f));
}

// ---- What is not applied.

struct SkippedCase {
  std::string name;
  std::function<void(v1::Decision&)> change;
  std::string detail;
};

void PrintTo(const SkippedCase& c, std::ostream* out) { *out << c.name; }

class ClientSkips : public ::testing::TestWithParam<SkippedCase> {};

TEST_P(ClientSkips, ACommandThatItCannotApply) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    Reply reply = Commanding(request);
    if (request.has_report()) {
      GetParam().change(*reply.responses[0].mutable_decision());
    }
    return reply;
  });
  Rank rank(supervisor.address());
  EXPECT_FALSE(rank.Step(0).applied);
  rank.Step(1);
  EXPECT_THAT(rank.weights, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(rank.hashes(), ElementsAre(0, 0));
  const v1::CommandOutcome outcome = supervisor.reports().at(1).outcome();
  EXPECT_EQ(outcome.step(), 0);
  EXPECT_EQ(outcome.result(), v1::CommandOutcome::RESULT_SKIPPED);
  EXPECT_THAT(outcome.detail(), HasSubstr(GetParam().detail));
}

v1::Perturbation& Perturb(v1::Decision& decision) {
  return *decision.mutable_actions(0)->mutable_perturb();
}

INSTANTIATE_TEST_SUITE_P(
    All, ClientSkips,
    ::testing::Values(
        SkippedCase{"UnknownNoiseSpec",
                    [](v1::Decision& d) { Perturb(d).set_noise_spec("mersenne/v9"); },
                    "mersenne/v9"},
        SkippedCase{"UnknownAction", [](v1::Decision& d) { d.mutable_actions(0)->clear_perturb(); },
                    "action"},
        SkippedCase{"UnknownScale",
                    [](v1::Decision& d) { Perturb(d).set_scale(static_cast<v1::NoiseScale>(9)); },
                    "scale 9"},
        SkippedCase{"UnknownOptimizerState",
                    [](v1::Decision& d) {
                      Perturb(d).set_optimizer_state(static_cast<v1::OptimizerState>(9));
                    },
                    "optimizer_state 9"},
        SkippedCase{
            "StddevNotFinite",
            [](v1::Decision& d) { Perturb(d).set_stddev(std::numeric_limits<float>::quiet_NaN()); },
            "stddev"},
        SkippedCase{"RelativeWithoutReference",
                    [](v1::Decision& d) { Perturb(d).set_scale(v1::NOISE_SCALE_RELATIVE); },
                    "reference_stddev"},
        SkippedCase{"LearningRateThatCannotBeScaled",
                    [](v1::Decision& d) {
                      d.mutable_actions(0)->mutable_learning_rate()->set_factor(0.5f);
                    },
                    "cannot scale its learning rate"},
        // The first action alone could be applied, but it is all of them or none.
        SkippedCase{"SecondActionUnusable",
                    [](v1::Decision& d) {
                      *d.add_actions() = d.actions(0);
                      d.mutable_actions(1)->mutable_perturb()->set_shrink(2);
                    },
                    "shrink"}),
    [](const auto& info) { return info.param.name; });

TEST(Client, AppliesNothingIfTheRanksDisagree) {
  ScriptedSupervisor supervisor(Commanding);
  ClientOptions options = Rank::Options(supervisor.address());
  options.agree = [](uint64_t hash) { return AgreeResult{.min = 0, .max = hash}; };
  Rank rank(std::move(options));
  EXPECT_FALSE(rank.Step(0).applied);
  EXPECT_THAT(rank.weights, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(rank.hashes(), ElementsAre(HashOf(CommandResponse(0).decision())));
  rank.Step(1);
  EXPECT_EQ(supervisor.reports().at(1).outcome().result(), v1::CommandOutcome::RESULT_SKIPPED);
}

// A collective that is broken enough to agree on another command.
TEST(Client, AppliesNothingIfTheAgreedHashIsNotItsOwn) {
  ScriptedSupervisor supervisor(Commanding);
  ClientOptions options = Rank::Options(supervisor.address());
  options.agree = [](uint64_t) { return AgreeResult{.min = 5, .max = 5}; };
  Rank rank(std::move(options));
  EXPECT_FALSE(rank.Step(0).applied);
  EXPECT_THAT(rank.weights, ElementsAre(1, 2, 3, 4));
}

TEST(Client, AppliesNothingInALargerJobWithoutAgree) {
  ScriptedSupervisor supervisor(Commanding);
  ClientOptions options = Rank::Options(supervisor.address());
  options.world_size = 2;
  options.job_attempt = "a";
  auto client = Client::Create(std::move(options));
  ASSERT_TRUE(client.ok());
  std::vector<float> weights = {1, 2};
  const std::vector<float> losses = {1};
  const Tensor tensors[] = {{.name = "w", .values = absl::MakeSpan(weights)}};
  EXPECT_FALSE((*client)->Step(0, losses, {}, tensors).applied);
  EXPECT_THAT(weights, ElementsAre(1, 2));
  EXPECT_FALSE(supervisor.joins().at(0).can_agree());
}

TEST(Client, ASingleRankNeedsNoAgree) {
  ScriptedSupervisor supervisor(Commanding);
  auto client = Client::Create(Rank::Options(supervisor.address()));
  ASSERT_TRUE(client.ok());
  std::vector<float> weights = {1, 2};
  const std::vector<float> losses = {1};
  const Tensor tensors[] = {{.name = "w", .values = absl::MakeSpan(weights)}};
  EXPECT_TRUE((*client)->Step(0, losses, {}, tensors).applied);
  EXPECT_EQ(weights, Perturbed("w", {1, 2}, 0));
}

TEST(Client, ReportsTheDigestAfterAnAppliedCommandOfALargerJob) {
  ScriptedSupervisor supervisor(Commanding);
  ClientOptions options = Rank::Options(supervisor.address());
  options.world_size = 2;
  options.job_attempt = "a";
  Rank rank(std::move(options));
  rank.Step(0);
  const uint64_t digest = ParameterDigest(rank.tensors());
  rank.Step(1);
  EXPECT_FALSE(supervisor.reports().at(0).has_parameter_digest());
  EXPECT_EQ(supervisor.reports().at(1).parameter_digest(), digest);
}

TEST(Client, ReportsDigestsAtTheStepsThatTheRunWantsThem) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    Reply reply = Obliging(request);
    if (request.has_join()) {
      reply.responses.at(0).mutable_welcome()->mutable_settings()->set_digest_every_steps(2);
    }
    return reply;
  });
  ClientOptions options = Rank::Options(supervisor.address());
  options.world_size = 2;
  options.job_attempt = "a";
  Rank rank(std::move(options));
  const uint64_t digest = ParameterDigest(rank.tensors());
  for (const int64_t step : {0, 1, 2}) {
    rank.Step(step);
  }
  const std::vector<v1::Report> reports = supervisor.reports();
  EXPECT_FALSE(reports.at(1).has_parameter_digest());
  EXPECT_EQ(reports.at(2).parameter_digest(), digest);
}

// ---- Snapshots.

TEST(Client, TakesSnapshotsSaysSoAndGoesBackToThem) {
  // After step 0 a snapshot, after step 1 back to it.
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    Reply reply = Obliging(request);
    if (request.has_report() && request.report().step() == 0) {
      reply.responses.at(0).mutable_decision()->add_actions()->mutable_snapshot()->set_id(5);
    } else if (request.has_report() && request.report().step() == 1) {
      reply.responses.at(0).mutable_decision()->add_actions()->mutable_restore()->set_id(5);
    }
    return reply;
  });
  std::vector<float> weights = {1, 2};
  std::vector<float> copy;
  ClientOptions options = Rank::Options(supervisor.address());
  options.snapshots = {.capacity = 1,
                       .save =
                           [&](uint64_t) {
                             copy = weights;
                             return true;
                           },
                       .restore = [&](uint64_t) { weights = copy; },
                       .drop = [&](uint64_t) { copy.clear(); }};
  auto client = Client::Create(std::move(options));
  ASSERT_TRUE(client.ok());
  const std::vector<float> losses = {1};
  const Tensor tensors[] = {{.name = "w", .values = absl::MakeSpan(weights)}};
  EXPECT_TRUE((*client)->Step(0, losses, {}, tensors).applied);
  weights = {8, 9};
  EXPECT_TRUE((*client)->Step(1, losses, {}, tensors).applied);
  EXPECT_THAT(weights, ElementsAre(1, 2));
  EXPECT_TRUE(supervisor.joins().at(0).has_snapshots());
  EXPECT_THAT(supervisor.reports().at(0).snapshots(), IsEmpty());
  EXPECT_THAT(supervisor.reports().at(1).snapshots(), ElementsAre(5));
}

// ---- Step in parts.

TEST(Client, TheTrainerCanAgreeByItself) {
  ScriptedSupervisor supervisor(Commanding);
  ClientOptions options = Rank::Options(supervisor.address());
  options.world_size = 2;
  options.job_attempt = "a";
  options.can_agree = true;
  auto client = Client::Create(std::move(options));
  ASSERT_TRUE(client.ok());
  std::vector<float> weights = {1, 2};
  const std::vector<float> losses = {1};
  const Tensor tensors[] = {{.name = "w", .values = absl::MakeSpan(weights)}};
  (*client)->Report(0, losses, {});
  const uint64_t hash = (*client)->AwaitCommandHash(tensors);
  EXPECT_EQ(hash, HashOf(CommandResponse(0).decision()));
  // The optimizer's update comes between.
  weights = {3, 4};
  const StepResult result = (*client)->Apply({.min = hash, .max = hash});
  EXPECT_TRUE(result.applied);
  EXPECT_EQ(result.decision->step(), 0);
  EXPECT_EQ(weights, Perturbed("w", {3, 4}, 0));
  EXPECT_TRUE(supervisor.joins().at(0).can_agree());

  (*client)->Report(1, losses, {});
  supervisor.AwaitReports(2);
  EXPECT_EQ(supervisor.reports().at(1).parameter_digest(), ParameterDigest(tensors));
  const uint64_t next = (*client)->AwaitCommandHash(tensors);
  EXPECT_FALSE((*client)->Apply({.min = 0, .max = next}).applied);
}

// The round trip takes place while the trainer computes.
TEST(Client, ReportDoesNotWaitForTheDecision) {
  absl::Notification reported;
  ScriptedSupervisor supervisor([&](const v1::SuperviseRequest& request) {
    if (request.has_report()) {
      EXPECT_TRUE(reported.WaitForNotificationWithTimeout(absl::Seconds(20)));
    }
    return Commanding(request);
  });
  Rank rank(supervisor.address());
  const std::vector<float> losses = {1};
  rank.client().Report(0, losses, {});
  reported.Notify();
  const std::vector<Tensor> tensors = rank.tensors();
  EXPECT_NE(rank.client().AwaitCommandHash(tensors), 0);
}

TEST(Client, ADiscardedCommandIsNeverApplied) {
  ScriptedSupervisor supervisor(Commanding);
  Rank rank(supervisor.address());
  const std::vector<Tensor> tensors = rank.tensors();
  const std::vector<float> losses = {1};
  rank.client().Report(0, losses, {});
  const uint64_t hash = rank.client().AwaitCommandHash(tensors);
  EXPECT_NE(hash, 0);
  const StepResult result = rank.client().Discard();
  EXPECT_TRUE(result.decision.has_value());
  EXPECT_FALSE(rank.client().Apply({.min = hash, .max = hash}).applied);
  EXPECT_THAT(rank.weights, ElementsAre(1, 2, 3, 4));
}

TEST(Client, HoldsNoCommandForAStepThatIsNotReported) {
  ScriptedSupervisor supervisor(Commanding);
  Rank rank(supervisor.address());
  rank.Step(0);
  const std::vector<float> weights = rank.weights;
  const std::vector<Tensor> tensors = rank.tensors();
  const std::vector<float> losses = {1};
  rank.client().Report(0, losses, {});
  EXPECT_EQ(rank.client().AwaitCommandHash(tensors), 0);
  EXPECT_FALSE(rank.client().Apply({.min = 0, .max = 0}).applied);
  EXPECT_EQ(rank.weights, weights);
}

// ---- Refusals and misuse.

TEST(Client, GoesOnAfterARefusedReport) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    if (request.has_report() && request.report().step() < 3) {
      return Reply{
          .responses = {RefusedResponse(request.report().step(), v1::Refused::CODE_INVALID)}};
    }
    return Commanding(request);
  });
  Rank rank(supervisor.address());
  for (int64_t step = 0; step < 3; ++step) {
    const StepResult result = rank.Step(step);
    EXPECT_TRUE(result.connected);
    EXPECT_FALSE(result.decision.has_value());
  }
  EXPECT_TRUE(rank.Step(3).applied);
  EXPECT_EQ(supervisor.joins().size(), 1);
  EXPECT_EQ(rank.lines().CountOf("was refused"), 1);
}

TEST(Client, IsSilentOnceTheRunWasEnded) {
  ScriptedSupervisor supervisor([](const v1::SuperviseRequest& request) {
    if (request.has_report()) {
      return Reply{
          .responses = {RefusedResponse(request.report().step(), v1::Refused::CODE_RUN_ENDED)}};
    }
    return Obliging(request);
  });
  Rank rank(supervisor.address());
  for (int64_t step = 0; step < 10; ++step) {
    EXPECT_FALSE(rank.Step(step).connected);
  }
  EXPECT_EQ(supervisor.reports().size(), 1);
  EXPECT_EQ(supervisor.joins().size(), 1);
}

TEST(Client, DoesNotReportAStepThatDoesNotGrow) {
  ScriptedSupervisor supervisor;
  Rank rank(supervisor.address());
  rank.Step(5);
  rank.Step(5);
  rank.Step(4);
  rank.Step(-1);
  rank.Step(6);
  const std::vector<v1::Report> reports = supervisor.reports();
  ASSERT_EQ(reports.size(), 2);
  EXPECT_EQ(reports[1].step(), 6);
  EXPECT_EQ(rank.lines().CountOf("step 5 is not reported: steps must grow, from 6 on"), 1);
}

TEST(Client, DoesNotReportLossesThatDoNotFitTheirIds) {
  ScriptedSupervisor supervisor;
  Rank rank(supervisor.address());
  const std::vector<float> losses = {1, 2, 3};
  const std::vector<uint64_t> ids = {1, 2};
  rank.client().Step(0, losses, ids, rank.tensors());
  EXPECT_THAT(rank.hashes(), ElementsAre(0));
  rank.Step(1);
  EXPECT_EQ(supervisor.reports().size(), 1);
  EXPECT_EQ(rank.lines().CountOf("3 losses and 2 example ids"), 1);
}

// ---- Pause, Checkpointed, Leave.

TEST(Client, DeclaresPausesCheckpointsAndItsLeave) {
  ScriptedSupervisor supervisor;
  Rank rank(supervisor.address());
  rank.Step(0);
  rank.client().Checkpointed(0);
  rank.client().Pause("evaluation", absl::Seconds(90));
  rank.client().Leave(/*completed=*/true);
  const std::vector<v1::SuperviseRequest> requests = supervisor.requests();
  ASSERT_EQ(requests.size(), 5);
  EXPECT_EQ(requests[2].checkpointed().step(), 0);
  EXPECT_EQ(requests[3].pause().reason(), "evaluation");
  EXPECT_GT(requests[3].pause().at_most().seconds(), 80);
  EXPECT_LE(requests[3].pause().at_most().seconds(), 90);
  EXPECT_TRUE(requests[4].leave().completed());
  supervisor.AwaitHalfClose();
}

TEST(Client, TellsWhatBecameOfTheLastCommandWhenItLeaves) {
  ScriptedSupervisor supervisor(Commanding);
  Rank rank(supervisor.address());
  rank.Step(0);
  rank.client().Leave(/*completed=*/true);
  const v1::SuperviseRequest last = supervisor.requests().back();
  EXPECT_EQ(last.leave().outcome().step(), 0);
  EXPECT_EQ(last.leave().outcome().result(), v1::CommandOutcome::RESULT_APPLIED);
}

TEST(Client, IsSilentAfterItsLeave) {
  ScriptedSupervisor supervisor;
  Rank rank(supervisor.address());
  rank.Step(0);
  rank.client().Leave(/*completed=*/false);
  EXPECT_FALSE(rank.Step(1).connected);
  rank.client().Leave(/*completed=*/true);
  const std::vector<v1::SuperviseRequest> requests = supervisor.requests();
  ASSERT_EQ(requests.size(), 3);
  EXPECT_FALSE(requests[2].leave().completed());
}

// ---- Two ranks.

// Two ranks of one job in one process, in step as by a collective.
class TwoRanks {
 public:
  explicit TwoRanks(const std::string& address) {
    for (uint32_t i = 0; i < 2; ++i) {
      ClientOptions options = Rank::Options(address);
      options.rank = i;
      options.world_size = 2;
      options.job_attempt = "attempt";
      options.agree = [this, i](uint64_t hash) { return Agree(i, hash); };
      ranks.push_back(std::make_unique<Rank>(std::move(options)));
    }
  }

  // Both ranks' results.
  std::vector<StepResult> Step(int64_t step) {
    std::vector<StepResult> results(2);
    std::thread other([&] { results[1] = ranks[1]->Step(step); });
    results[0] = ranks[0]->Step(step);
    other.join();
    return results;
  }

  std::vector<std::unique_ptr<Rank>> ranks;

 private:
  AgreeResult Agree(uint32_t rank, uint64_t hash) {
    hashes_[rank] = hash;
    barrier_.arrive_and_wait();
    const AgreeResult result = {.min = std::min(hashes_[0], hashes_[1]),
                                .max = std::max(hashes_[0], hashes_[1])};
    barrier_.arrive_and_wait();
    return result;
  }

  uint64_t hashes_[2] = {0, 0};
  std::barrier<> barrier_{2};
};

TEST(Client, TwoRanksApplyTheSameBits) {
  ScriptedSupervisor supervisor(Commanding);
  TwoRanks job(supervisor.address());
  for (int64_t step = 0; step < 20; ++step) {
    for (const StepResult& result : job.Step(step)) {
      EXPECT_TRUE(result.applied);
    }
    EXPECT_EQ(job.ranks[0]->weights, job.ranks[1]->weights);
  }
  EXPECT_NE(job.ranks[0]->weights, (std::vector<float>{1, 2, 3, 4}));
}

// One rank holds the command and the other does not: its report was refused.
TEST(Client, TwoRanksApplyNothingUnlessBothHoldIt) {
  std::set<int64_t> reported;
  ScriptedSupervisor supervisor([&](const v1::SuperviseRequest& request) {
    if (request.has_report() && !reported.insert(request.report().step()).second) {
      return Reply{.responses = {
                       RefusedResponse(request.report().step(), v1::Refused::CODE_OUTSIDE_WINDOW)}};
    }
    return Commanding(request);
  });
  TwoRanks job(supervisor.address());
  for (int64_t step = 0; step < 5; ++step) {
    for (const StepResult& result : job.Step(step)) {
      EXPECT_FALSE(result.applied);
    }
  }
  EXPECT_THAT(job.ranks[0]->weights, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(job.ranks[1]->weights, ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace lehr

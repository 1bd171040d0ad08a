#include "server/wire.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <limits>

namespace lehr {
namespace {

using ::testing::HasSubstr;

TEST(SettingsFromProto, FillsInTheDefaults) {
  const absl::StatusOr<RunSettings> settings = SettingsFromProto({}, 4);
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(std::get<ErrorDrivenPolicy>(settings->policy.rule).base_noise_level, 1);
  EXPECT_EQ(settings->lag, 0u);
  EXPECT_EQ(settings->straggler_timeout, absl::Seconds(10));
  EXPECT_EQ(settings->join_timeout, absl::Seconds(60));
}

TEST(PolicyFromProto, ReheatKeepsItsPlannedSteps) {
  v1::Policy proto;
  proto.mutable_reheat()->set_planned_steps(9200);
  const absl::StatusOr<Policy> policy = PolicyFromProto(proto);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(std::get<ReheatPolicy>(policy->rule).planned_steps, 9200);
  EXPECT_EQ(ToProto(*policy).reheat().planned_steps(), 9200);
  proto.mutable_reheat()->set_planned_steps(-1);
  EXPECT_THAT(std::string(PolicyFromProto(proto).status().message()), HasSubstr("-1"));
}

TEST(SettingsFromProto, NamesWhatIsOutOfBounds) {
  const auto complaint = [](auto spoil) {
    v1::RunSettings settings;
    spoil(settings);
    return std::string(SettingsFromProto(settings, 4).status().message());
  };
  EXPECT_THAT(complaint([](v1::RunSettings& s) { s.set_lag(65); }), HasSubstr("lag is 65"));
  EXPECT_THAT(complaint([](v1::RunSettings& s) { s.set_quorum(5); }), HasSubstr("quorum is 5"));
  EXPECT_THAT(complaint([](v1::RunSettings& s) {
                s.set_loss_offset(std::numeric_limits<float>::quiet_NaN());
              }),
              HasSubstr("loss_offset is nan"));
  EXPECT_THAT(
      complaint([](v1::RunSettings& s) { s.mutable_straggler_timeout()->set_seconds(3601); }),
      HasSubstr("straggler_timeout is 1h1s"));
  EXPECT_THAT(complaint([](v1::RunSettings& s) { s.mutable_join_timeout()->set_nanos(999'999); }),
              HasSubstr("join_timeout is 999.999us"));
  EXPECT_THAT(complaint([](v1::RunSettings& s) { s.set_scope(static_cast<v1::LossScope>(9)); }),
              HasSubstr("scope is 9"));
  EXPECT_THAT(complaint([](v1::RunSettings& s) { s.mutable_policy()->set_observe(true); }),
              HasSubstr("names no rule"));
}

TEST(SettingsFromProto, ADatasetHasASizeAndATable) {
  v1::RunSettings proto;
  proto.set_scope(v1::LOSS_SCOPE_DATASET);
  proto.set_dataset_examples(60'000);
  const absl::StatusOr<RunSettings> settings = SettingsFromProto(proto, 4);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->scope, LossScope::kDataset);
  EXPECT_EQ(settings->dataset_examples, 60'000u);
  EXPECT_EQ(settings->table_examples, 1u << 20);
  proto.set_table_examples(1 << 22);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(
      ToProto(*SettingsFromProto(ToProto(*SettingsFromProto(proto, 4)), 4)),
      ToProto(*SettingsFromProto(proto, 4))));
  EXPECT_EQ(ToProto(*SettingsFromProto(proto, 4)).table_examples(), 1u << 22);
}

TEST(SettingsFromProto, NamesWhatDoesNotFitTheScope) {
  const auto complaint = [](v1::LossScope scope, uint64_t dataset_examples,
                            uint32_t table_examples) {
    v1::RunSettings settings;
    settings.set_scope(scope);
    settings.set_dataset_examples(dataset_examples);
    settings.set_table_examples(table_examples);
    const absl::Status status = SettingsFromProto(settings, 4).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  };
  EXPECT_THAT(complaint(v1::LOSS_SCOPE_DATASET, 0, 0), HasSubstr("dataset_examples is 0"));
  EXPECT_THAT(complaint(v1::LOSS_SCOPE_DATASET, (uint64_t{1} << 40) + 1, 0),
              HasSubstr("dataset_examples is 1099511627777"));
  EXPECT_THAT(complaint(v1::LOSS_SCOPE_DATASET, 4, (1 << 22) + 1),
              HasSubstr("table_examples is 4194305"));
  EXPECT_THAT(complaint(v1::LOSS_SCOPE_BATCH, 4, 0), HasSubstr("dataset_examples is 4"));
  EXPECT_THAT(complaint(v1::LOSS_SCOPE_UNSPECIFIED, 0, 5), HasSubstr("table_examples is 5"));
}

TEST(SettingsFromProto, SurvivesTheWayToTheWireAndBack) {
  v1::RunSettings settings;
  settings.mutable_policy()->mutable_error_driven()->set_base_noise_level(0.25);
  settings.mutable_policy()->mutable_error_driven()->set_min_imbalance(0.125);
  settings.mutable_policy()->set_observe(true);
  settings.mutable_guards()->set_max_stddev(2);
  settings.mutable_guards()->set_cooldown_steps(3);
  settings.mutable_guards()->set_budget(4);
  settings.mutable_guards()->set_budget_window_steps(5);
  settings.mutable_guards()->set_breaker_factor(6);
  settings.mutable_guards()->set_breaker_window_steps(7);
  settings.set_run_seed(8);
  settings.set_scope(v1::LOSS_SCOPE_DATASET);
  settings.set_dataset_examples(14);
  settings.set_table_examples(15);
  settings.set_lag(9);
  settings.set_loss_offset(10);
  settings.mutable_straggler_timeout()->set_seconds(11);
  settings.mutable_join_timeout()->set_seconds(12);
  settings.set_quorum(13);
  settings.set_digest_every_steps(14);
  const absl::StatusOr<RunSettings> parsed = SettingsFromProto(settings, 16);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(ToProto(*parsed), settings));
}

TEST(DecisionFromProto, SurvivesTheWayToTheWireAndBack) {
  v1::Decision decision;
  decision.set_generation(1);
  decision.set_step(2);
  decision.set_apply_step(3);
  v1::Observation* observation = decision.mutable_observation();
  observation->set_count(4);
  observation->set_temperature(5);
  observation->set_magnitude(6);
  observation->set_imbalance(0.7);
  observation->set_unsquared_imbalance(0.8);
  observation->set_entropy(9);
  observation->set_root_mean_square(10);
  observation->set_mean(11);
  observation->set_max(12);
  observation->set_nan_losses(13);
  observation->set_infinite_losses(14);
  observation->set_negative_losses(15);
  observation->add_highest()->set_example_id(16);
  observation->mutable_highest(0)->set_loss(17);
  observation->set_coverage(0.75);
  observation->set_dead_examples(25);
  observation->add_dead()->set_example_id(26);
  observation->mutable_dead(0)->set_loss(27);
  observation->set_p10(28);
  observation->set_p50(29);
  observation->set_p90(30);
  observation->set_tied_share(0.25);
  decision.mutable_reason()->set_code(v1::Reason::CODE_COOLDOWN);
  decision.mutable_reason()->set_value(18);
  decision.mutable_reason()->set_limit(19);
  v1::Perturbation* perturb = decision.add_actions()->mutable_perturb();
  perturb->set_id(20);
  perturb->set_seed(21);
  perturb->set_stddev(22);
  perturb->set_scale(v1::NOISE_SCALE_RELATIVE);
  perturb->set_shrink(0.5);
  perturb->set_optimizer_state(v1::OPTIMIZER_STATE_RESET);
  perturb->set_tensor_selector("layers.*");
  perturb->set_noise_spec(std::string(kCommandedNoiseSpec));
  decision.add_actions()->mutable_identity();
  decision.add_actions()->mutable_learning_rate()->set_factor(0.1f);
  *decision.mutable_withheld() = decision.actions();
  decision.set_reports(23);
  decision.set_closed_unix_ns(24);
  decision.set_policy("error_driven");
  const absl::StatusOr<StepDecision> parsed = DecisionFromProto(decision);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(ToProto(*parsed), decision));
}

TEST(DecisionFromProto, RefusesAFactorOutOfBounds) {
  const auto complaint = [](float factor) {
    v1::Decision decision;
    decision.add_actions()->mutable_learning_rate()->set_factor(factor);
    return std::string(DecisionFromProto(decision).status().message());
  };
  EXPECT_EQ(complaint(1), "");
  EXPECT_EQ(complaint(0), "the factor of the learning rate is 0; it must be in (0, 1]");
  EXPECT_THAT(complaint(1.25f), HasSubstr("is 1.25;"));
  EXPECT_THAT(complaint(std::numeric_limits<float>::quiet_NaN()), HasSubstr("is nan;"));
}

TEST(DecisionFromProto, RefusesANoiseThatItDoesNotKnow) {
  v1::Decision decision;
  decision.add_actions()->mutable_perturb()->set_noise_spec("philox/v9");
  EXPECT_THAT(std::string(DecisionFromProto(decision).status().message()), HasSubstr("philox/v9"));
}

}  // namespace
}  // namespace lehr

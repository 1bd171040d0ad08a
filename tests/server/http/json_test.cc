// Against protobuf's own printer.
#include "server/http/json.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "lehr/v1/runs.pb.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

std::string Expected(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(message, &json, options).ok());
  return json;
}

void ExpectSame(const google::protobuf::Message& message) {
  EXPECT_EQ(nlohmann::json::parse(ToJson(message)), nlohmann::json::parse(Expected(message)));
  EXPECT_EQ(ToJson(message).find('\n'), std::string::npos);
}

v1::Decision FullDecision() {
  v1::Decision decision;
  decision.set_generation(std::numeric_limits<uint64_t>::max());
  decision.set_step(-1);
  v1::Observation& observation = *decision.mutable_observation();
  observation.set_temperature(0.1);
  observation.set_magnitude(1e300);
  observation.set_mean(1.0 / 3);
  observation.set_max(std::numeric_limits<double>::denorm_min());
  observation.add_highest()->set_loss(0.1F);
  observation.mutable_highest(0)->set_example_id(9'007'199'254'740'993);
  decision.mutable_reason()->set_code(v1::Reason::CODE_ACTED);
  decision.mutable_reason()->set_value(std::numeric_limits<double>::infinity());
  decision.mutable_reason()->set_limit(-std::numeric_limits<double>::infinity());
  v1::Perturbation& perturbation = *decision.add_actions()->mutable_perturb();
  perturbation.set_id(7);
  perturbation.set_shrink(0);
  perturbation.set_stddev(std::numeric_limits<float>::quiet_NaN());
  decision.add_actions()->mutable_restore();
  return decision;
}

TEST(JsonTest, PrintsWhatProtobufPrints) {
  ExpectSame(v1::Decision());
  ExpectSame(FullDecision());
  v1::GetRunResponse response;
  ExpectSame(response);
  v1::Run& run = *response.mutable_run();
  ExpectSame(response);
  run.set_run_id("a\"b\\c\n\x01<é>");
  run.set_state(v1::RUN_STATE_ACTIVE);
  run.set_replicas_differ_step(0);
  (*run.mutable_labels())["a\"b"] = "<script>";
  (*run.mutable_labels())["c"] = "";
  run.mutable_opened()->set_seconds(1'780'000'000);
  run.mutable_opened()->set_nanos(5'000'000);
  run.mutable_last_seen()->set_seconds(-1);
  run.mutable_settings()->mutable_straggler_timeout()->set_nanos(1'000'000);
  run.mutable_settings()->mutable_policy()->mutable_error_driven();
  run.mutable_settings()->mutable_policy()->set_observe(true);
  ExpectSame(response);
  v1::GetHistoryResponse history;
  *history.add_entries()->mutable_decision() = FullDecision();
  history.add_entries();
  ExpectSame(history);
  v1::GetSeriesResponse series;
  series.add_first_step(std::numeric_limits<int64_t>::min());
  series.mutable_temperature()->add_max(-0.0);
  series.add_perturbations(std::numeric_limits<uint32_t>::max());
  ExpectSame(series);
}

TEST(JsonTest, NumbersComeBackTheSame) {
  v1::Observation observation;
  double value = 1;
  for (int i = 0; i < 1000; ++i) {
    value = value * 1.37 + 1e-9;
    observation.set_temperature(1 / value);
    observation.set_magnitude(value);
    const auto json = nlohmann::json::parse(ToJson(observation));
    EXPECT_EQ(json["temperature"].get<double>(), 1 / value);
    EXPECT_EQ(json["magnitude"].get<double>(), value);
  }
}

TEST(JsonTest, ReadsWhatItPrints) {
  v1::SetPolicyRequest request;
  request.mutable_policy()->mutable_error_driven()->set_base_noise_level(0.25);
  v1::SetPolicyRequest read;
  ASSERT_TRUE(FromJson(ToJson(request), read).ok());
  EXPECT_EQ(read.SerializeAsString(), request.SerializeAsString());
}

TEST(JsonTest, SaysWhatIsWrong) {
  v1::SetPolicyRequest request;
  const absl::Status status = FromJson(R"({"polcy": {}})", request);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("polcy"));
  EXPECT_FALSE(FromJson("", request).ok());
}

}  // namespace
}  // namespace lehr

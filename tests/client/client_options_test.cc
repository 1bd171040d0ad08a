#include "client/client_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "client/client.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

ClientOptions Good() {
  ClientOptions options;
  options.supervisor = "127.0.0.1:7070";
  options.run_id = "digits-3";
  return options;
}

struct BadCase {
  std::string name;
  std::function<void(ClientOptions&)> change;
  // The offending value, as the message must show it.
  std::string value;
};

void PrintTo(const BadCase& c, std::ostream* out) { *out << c.name; }

class BadClientOptions : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadClientOptions, AreRefusedWithTheirValue) {
  ClientOptions options = Good();
  GetParam().change(options);
  const auto client = Client::Create(std::move(options));
  ASSERT_EQ(client.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(client.status().message()), HasSubstr(GetParam().value));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadClientOptions,
    ::testing::Values(
        BadCase{"RunIdWithSlash", [](auto& o) { o.run_id = "../x"; }, "'../x'"},
        BadCase{"RunIdEmpty", [](auto& o) { o.run_id = ""; }, "run_id is ''"},
        BadCase{"RunIdStartsWithDot", [](auto& o) { o.run_id = ".x"; }, "'.x'"},
        BadCase{"RunIdNotAscii", [](auto& o) { o.run_id = "größe"; }, "'größe'"},
        BadCase{"RunIdTooLong", [](auto& o) { o.run_id = std::string(129, 'a'); },
                std::string(129, 'a')},
        BadCase{"AddressWithoutPort", [](auto& o) { o.supervisor = "localhost"; }, "'localhost'"},
        BadCase{"AddressWithoutHost", [](auto& o) { o.supervisor = ":7070"; }, "':7070'"},
        BadCase{"PortTooLarge", [](auto& o) { o.supervisor = "h:65536"; }, "'h:65536'"},
        BadCase{"PortNotANumber", [](auto& o) { o.supervisor = "h:http"; }, "'h:http'"},
        BadCase{"RankBeyondWorld", [](auto& o) { o.rank = 1; }, "rank is 1"},
        BadCase{"WorldEmpty", [](auto& o) { o.world_size = 0; }, "world_size is 0"},
        BadCase{"WorldTooLarge", [](auto& o) { o.world_size = 65537; }, "65537"},
        BadCase{"NoJobAttempt", [](auto& o) { o.world_size = 2; }, "job_attempt is empty"},
        BadCase{"JobAttemptTooLong", [](auto& o) { o.job_attempt = std::string(129, 'j'); },
                std::string(128, 'j')},
        BadCase{"ResumeGenerationTooLarge",
                [](auto& o) { o.resume_generation = uint64_t{1} << 62; }, "4611686018427387904"},
        BadCase{"ResumeStepNegative", [](auto& o) { o.resume_step = -4; }, "-4"},
        BadCase{"NoConnectTimeout", [](auto& o) { o.connect_timeout = absl::ZeroDuration(); },
                "connect_timeout is 0"},
        BadCase{"DecisionTimeoutTooLong", [](auto& o) { o.decision_timeout = absl::Hours(2); },
                "decision_timeout is 2h"},
        BadCase{"StragglersOutlastTheClient",
                [](auto& o) { o.settings.mutable_straggler_timeout()->set_seconds(5); },
                "straggler_timeout, 5s"},
        BadCase{"LagTooLarge", [](auto& o) { o.settings.set_lag(65); }, "settings.lag is 65"},
        BadCase{"TensorWithoutName",
                [](auto& o) {
                  o.tensors = {{"", 1}};
                },
                "name is ''"},
        BadCase{"TensorNameNotUtf8",
                [](auto& o) {
                  o.tensors = {{"a\xff", 1}};
                },
                "'a?'"},
        BadCase{"TensorWithoutScale",
                [](auto& o) {
                  o.tensors = {{"w", 0}};
                },
                "reference_stddev of tensor w is 0"},
        BadCase{"TensorScaleNan",
                [](auto& o) {
                  o.tensors = {{"w", NAN}};
                },
                "nan"},
        BadCase{"TensorWithASideOfOne",
                [](auto& o) {
                  o.tensors = {{"w", 1, 1}};
                },
                "side of tensor w is 1; it must be in [2, 1048576], or 0"},
        BadCase{"TensorTooWide",
                [](auto& o) {
                  o.tensors = {{"w", 1, 1048577}};
                },
                "side of tensor w is 1048577"},
        // The wrapper does not make it another tensor.
        BadCase{"TensorTwice",
                [](auto& o) {
                  o.tensors = {{"w", 1}, {"module.w", 1}};
                },
                "module.w"},
        BadCase{"TooManySnapshots", [](auto& o) { o.snapshots.capacity = 9; },
                "snapshots.capacity is 9"},
        BadCase{"SnapshotsWithoutHooks", [](auto& o) { o.snapshots.capacity = 1; },
                "save, restore and drop"},
        BadCase{"LabelTooLong",
                [](auto& o) {
                  o.labels = {{"k", std::string(64, 'v')}};
                },
                "label 'k'"},
        BadCase{"LabelNotUtf8", [](auto& o) { o.labels = {{"k", "\xc3"}}; }, "'?'"}),
    [](const auto& info) { return info.param.name; });

TEST(ClientOptions, TheLongestNamesAreAccepted) {
  ClientOptions options = Good();
  options.run_id = "9" + std::string(125, '.') + "_-";
  options.labels = {{std::string(63, 'k'), std::string(63, 'v')}};
  options.tensors = {{std::string(512, 't'), 1e-30f, 1u << 20}, {"least", 1, 2}};
  options.world_size = 65536;
  options.rank = 65535;
  options.job_attempt = std::string(128, 'j');
  EXPECT_EQ(CheckClientOptions(options), absl::OkStatus());
}

// A stream may be there before the first report, which says the step only then.
TEST(ClientOptions, TheJoinNamesTheCheckpointThatTheJobResumesFrom) {
  ClientOptions options = Good();
  options.resume_step = 40;
  EXPECT_EQ(MakeJoin(options).resume_step(), 40);
  EXPECT_FALSE(MakeJoin(options).has_resume_generation());
  options.resume_generation = 3;
  EXPECT_EQ(MakeJoin(options).resume_generation(), 3);
}

TEST(ClientOptions, TheJoinDeclaresWhatCanBeMadeTheIdentityAndScaled) {
  ClientOptions options = Good();
  options.tensors = {{"module.w", 1, 64}, {"b", 1}};
  ASSERT_EQ(MakeJoin(options).tensors_size(), 2);
  EXPECT_EQ(MakeJoin(options).tensors(0).side(), 64);
  EXPECT_EQ(MakeJoin(options).tensors(1).side(), 0);
  EXPECT_FALSE(MakeJoin(options).scales_learning_rate());
  options.scale_learning_rate = [](float) {};
  EXPECT_TRUE(MakeJoin(options).scales_learning_rate());
}

TEST(ClientOptions, TheJoinDeclaresWhatASnapshotHolds) {
  ClientOptions options = Good();
  EXPECT_FALSE(MakeJoin(options).has_snapshots());
  options.snapshots = {.capacity = 2,
                       .bytes = 100,
                       .optimizer_state = true,
                       .save = [](uint64_t) { return true; },
                       .restore = [](uint64_t) {},
                       .drop = [](uint64_t) {}};
  EXPECT_EQ(CheckClientOptions(options), absl::OkStatus());
  const v1::SnapshotSupport support = MakeJoin(options).snapshots();
  EXPECT_EQ(support.capacity(), 2);
  EXPECT_EQ(support.bytes(), 100);
  EXPECT_TRUE(support.optimizer_state());
  EXPECT_FALSE(support.buffers());
}

TEST(ClientOptions, AnExplicitStragglerTimeoutStays) {
  ClientOptions options = Good();
  options.settings.mutable_straggler_timeout()->set_seconds(2);
  options.settings.mutable_straggler_timeout()->set_nanos(500);
  const v1::Join join = MakeJoin(options);
  EXPECT_EQ(join.settings().straggler_timeout().seconds(), 2);
  EXPECT_EQ(join.settings().straggler_timeout().nanos(), 500);
}

}  // namespace
}  // namespace lehr

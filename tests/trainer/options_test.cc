#include "trainer/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lehr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::variant<TrainerOptions, ExitRequest> Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "lehr-train");
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(argument.c_str());
  }
  return ParseCommandLine(static_cast<int>(argv.size()), argv.data());
}

TrainerOptions Options(const std::vector<std::string>& arguments) {
  auto parsed = Parse(arguments);
  if (const auto* exit = std::get_if<ExitRequest>(&parsed)) {
    ADD_FAILURE() << exit->text;
    return {};
  }
  return std::get<TrainerOptions>(parsed);
}

TEST(Options, ThePapersXorHasThePapersSettings) {
  const TrainerOptions options = Options({"--task=xor-relu-sum"});
  EXPECT_EQ(options.task, Task::kXorReluSum);
  EXPECT_THAT(options.hidden, ElementsAre(2));
  EXPECT_EQ(options.initial, InitialValues::kPaper);
  EXPECT_EQ(options.loss, Loss::kMeanSquaredError);
  EXPECT_EQ(options.optimizer.kind, OptimizerKind::kAdam);
  EXPECT_EQ(options.optimizer.learning_rate, 0.01);
  EXPECT_EQ(options.optimizer.beta1, 0.9);
  EXPECT_EQ(options.optimizer.beta2, 0.99);
  EXPECT_EQ(options.steps, 5000);
  EXPECT_EQ(options.batch_size, 0);
  EXPECT_EQ(options.stop_loss, 1e-7);
  EXPECT_FALSE(options.supervision.has_value());
}

TEST(Options, ThePapersXorHasThePapersPolicy) {
  const TrainerOptions options =
      Options({"--task=xor-relu-sum", "--seed=3", "--supervisor=127.0.0.1:7070"});
  ASSERT_TRUE(options.supervision.has_value());
  EXPECT_EQ(options.supervision->address, "127.0.0.1:7070");
  EXPECT_EQ(options.supervision->run, "xor-relu-sum-3");
  EXPECT_EQ(options.supervision->scope, "batch");
  EXPECT_EQ(options.supervision->policy, "error_driven");
  EXPECT_EQ(options.supervision->base_noise_level, 0.1);
  EXPECT_EQ(options.supervision->min_imbalance, 0.1);
}

TEST(Options, SharedFlagsAreThoseThatAllRanksNeedAlike) {
  const std::vector<std::string> flags = {"--task=csv", "--data=a.csv", "--checkpoint=c",
                                          "--json=j", "--supervisor=one:1"};
  const std::string shared = SharedFlags(Options(flags));
  EXPECT_EQ(
      shared,
      SharedFlags(Options({"--task=csv", "--data=b.csv", "--checkpoint=d", "--supervisor=two:2"})));
  for (const char* flag :
       {"--label_column=2", "--data_seed=1", "--hidden=3", "--init=he", "--loss=bce",
        "--optimizer=adam", "--lr=0.3", "--steps=3", "--batch=3", "--seed=3", "--stop_loss=3",
        "--evaluate_every=3", "--checkpoint_every=3", "--run=other", "--policy=observe",
        "--base_noise_level=3", "--min_imbalance=0.3", "--lag=3"}) {
    std::vector<std::string> others = flags;
    others.emplace_back(flag);
    EXPECT_NE(shared, SharedFlags(Options(others))) << flag;
  }
  EXPECT_NE(shared, SharedFlags(Options({"--task=csv", "--data=a.csv", "--checkpoint=c"})));
}

TEST(Options, OtherTasksHaveAUnitNoiseLevel) {
  const TrainerOptions options = Options({"--task=digits", "--supervisor=[::1]:7070"});
  ASSERT_TRUE(options.supervision.has_value());
  EXPECT_EQ(options.supervision->base_noise_level, 1);
  EXPECT_EQ(options.supervision->min_imbalance, 0);
}

TEST(Options, EveryFlagIsTaken) {
  const TrainerOptions options = Options({"--task=csv",
                                          "--data=a.csv",
                                          "--label_column=kind",
                                          "--data_seed=4",
                                          "--hidden=8,9",
                                          "--init=he",
                                          "--loss=mse",
                                          "--optimizer=adam",
                                          "--lr=0.5",
                                          "--beta1=0.5",
                                          "--beta2=0.75",
                                          "--epsilon=0.125",
                                          "--steps=7",
                                          "--batch=6",
                                          "--seed=18446744073709551615",
                                          "--stop_loss=0.25",
                                          "--evaluate_every=3",
                                          "--checkpoint=c",
                                          "--checkpoint_every=2",
                                          "--resume",
                                          "--supervisor=host:1",
                                          "--run=my.run-1",
                                          "--policy=observe",
                                          "--scope=dataset",
                                          "--base_noise_level=0.0625",
                                          "--min_imbalance=1",
                                          "--lag=64",
                                          "--json=r.json"});
  EXPECT_EQ(options.task, Task::kCsv);
  EXPECT_EQ(options.data.path, "a.csv");
  EXPECT_EQ(options.data.label_column, "kind");
  EXPECT_EQ(options.data.seed, 4U);
  EXPECT_THAT(options.hidden, ElementsAre(8, 9));
  EXPECT_EQ(options.initial, InitialValues::kHe);
  EXPECT_EQ(options.loss, Loss::kMeanSquaredError);
  EXPECT_EQ(options.optimizer.kind, OptimizerKind::kAdam);
  EXPECT_EQ(options.optimizer.learning_rate, 0.5);
  EXPECT_EQ(options.optimizer.beta1, 0.5);
  EXPECT_EQ(options.optimizer.beta2, 0.75);
  EXPECT_EQ(options.optimizer.epsilon, 0.125);
  EXPECT_EQ(options.steps, 7);
  EXPECT_EQ(options.batch_size, 6);
  EXPECT_EQ(options.seed, 18446744073709551615U);
  EXPECT_EQ(options.stop_loss, 0.25);
  EXPECT_EQ(options.evaluate_every, 3);
  EXPECT_EQ(options.checkpoint, "c");
  EXPECT_EQ(options.checkpoint_every, 2);
  EXPECT_TRUE(options.resume);
  ASSERT_TRUE(options.supervision.has_value());
  EXPECT_EQ(options.supervision->address, "host:1");
  EXPECT_EQ(options.supervision->run, "my.run-1");
  EXPECT_EQ(options.supervision->policy, "observe");
  EXPECT_EQ(options.supervision->scope, "dataset");
  EXPECT_EQ(options.supervision->base_noise_level, 0.0625);
  EXPECT_EQ(options.supervision->min_imbalance, 1);
  EXPECT_EQ(options.supervision->lag, 64);
  EXPECT_EQ(options.json, "r.json");
}

TEST(Options, MomentumIsTaken) {
  EXPECT_EQ(Options({"--task=digits", "--momentum=0.9"}).optimizer.momentum, 0.9);
}

TEST(Options, NoHiddenLayer) {
  EXPECT_THAT(Options({"--task=digits", "--hidden=none"}).hidden, IsEmpty());
}

// The task's learning rate suits its own optimizer.
TEST(Options, AnotherOptimizerHasItsUsualLearningRate) {
  EXPECT_EQ(Options({"--task=digits", "--optimizer=adam"}).optimizer.learning_rate, 0.001);
  EXPECT_EQ(Options({"--task=xor-relu-sum", "--optimizer=adam"}).optimizer.learning_rate, 0.01);
  EXPECT_EQ(Options({"--task=xor-relu-sum", "--optimizer=sgd"}).optimizer.learning_rate, 0.1);
}

TEST(Options, SupervisorFlagsMayBeGivenToTrainAlone) {
  EXPECT_FALSE(
      Options({"--task=xor", "--supervisor=none", "--run=a", "--policy=observe"}).supervision);
}

TEST(Options, HelpNamesEveryFlagAndTask) {
  const auto parsed = Parse({"--help"});
  const auto& exit = std::get<ExitRequest>(parsed);
  EXPECT_EQ(exit.code, 0);
  for (const char* word :
       {"--task", "--hidden", "--init", "--optimizer", "--lr", "--steps", "--batch", "--seed",
        "--supervisor", "--run", "--policy", "--scope", "--base_noise_level", "--json", "--resume",
        "xor-relu-sum", "fashion-mnist", "Examples"}) {
    EXPECT_THAT(exit.text, HasSubstr(word));
  }
}

struct BadCommandLine {
  std::string name;
  std::vector<std::string> arguments;
  std::string message;
};

class BadCommandLineTest : public ::testing::TestWithParam<BadCommandLine> {};

TEST_P(BadCommandLineTest, IsRefusedWithFlagAndValue) {
  const auto parsed = Parse(GetParam().arguments);
  const auto* exit = std::get_if<ExitRequest>(&parsed);
  ASSERT_NE(exit, nullptr);
  EXPECT_EQ(exit->code, 2);
  EXPECT_THAT(exit->text, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadCommandLineTest,
    ::testing::Values(
        BadCommandLine{"NoTask", {}, "--task is required"},
        BadCommandLine{"UnknownTask", {"--task=mnist"}, "--task: \"mnist\" is not one of"},
        BadCommandLine{"UnknownFlag", {"--task=xor", "--speed=9"}, "--speed=9"},
        BadCommandLine{"StrayWord", {"--task=xor", "now"}, "now"},
        BadCommandLine{"EmptyLayer", {"--task=xor", "--hidden=8,,8"}, "--hidden: \"8,,8\""},
        BadCommandLine{"NoUnits", {"--task=xor", "--hidden=0"}, "--hidden: \"0\""},
        BadCommandLine{"TooManyUnits", {"--task=xor", "--hidden=65537"}, "--hidden: \"65537\""},
        BadCommandLine{"TextInHidden", {"--task=xor", "--hidden=8,x"}, "--hidden: \"8,x\""},
        BadCommandLine{"UnknownInit", {"--task=xor", "--init=zero"}, "--init: \"zero\""},
        BadCommandLine{"ThePapersInit", {"--task=xor", "--init=paper"}, "--init: \"paper\""},
        BadCommandLine{"UnknownLoss", {"--task=xor", "--loss=mae"}, "--loss: \"mae\""},
        BadCommandLine{
            "UnknownOptimizer", {"--task=xor", "--optimizer=lion"}, "--optimizer: \"lion\""},
        BadCommandLine{"NegativeRate", {"--task=xor", "--lr=-1"}, "--lr: -1"},
        BadCommandLine{"ZeroRate", {"--task=xor", "--lr=0"}, "--lr: 0"},
        BadCommandLine{"RateThatIsNoNumber", {"--task=xor", "--lr=fast"}, "--lr: fast"},
        BadCommandLine{"NanRate", {"--task=xor", "--lr=nan"}, "--lr: nan"},
        BadCommandLine{"MomentumOfOne", {"--task=xor", "--momentum=1"}, "--momentum: 1"},
        BadCommandLine{"MomentumWithAdam",
                       {"--task=xor", "--optimizer=adam", "--momentum=0.5"},
                       "--momentum: it is for --optimizer=sgd"},
        BadCommandLine{
            "BetaWithSgd", {"--task=xor", "--beta2=0.5"}, "--beta2: it is for --optimizer=adam"},
        BadCommandLine{"NegativeSteps", {"--task=xor", "--steps=-5"}, "--steps: -5"},
        BadCommandLine{"FractionOfSteps", {"--task=xor", "--steps=1.5"}, "--steps: 1.5"},
        BadCommandLine{"NegativeBatch", {"--task=xor", "--batch=-1"}, "--batch: -1"},
        BadCommandLine{"NegativeSeed", {"--task=xor", "--seed=-1"}, "--seed: -1"},
        BadCommandLine{"SeedAbove64Bits",
                       {"--task=xor", "--seed=18446744073709551616"},
                       "--seed: 18446744073709551616"},
        BadCommandLine{"NoPort", {"--task=xor", "--supervisor=host"}, "--supervisor: \"host\""},
        BadCommandLine{"NoHost", {"--task=xor", "--supervisor=:7070"}, "--supervisor: \":7070\""},
        BadCommandLine{
            "PortTooGreat", {"--task=xor", "--supervisor=h:65536"}, "--supervisor: \"h:65536\""},
        BadCommandLine{"RunOutsideItsFolder", {"--task=xor", "--run=../x"}, "--run: \"../x\""},
        BadCommandLine{"RunTooLong", {"--task=xor", "--run=" + std::string(129, 'a')}, "--run: "},
        BadCommandLine{"UnknownPolicy", {"--task=xor", "--policy=shake"}, "--policy: \"shake\""},
        BadCommandLine{"UnknownScope", {"--task=xor", "--scope=epoch"}, "--scope: \"epoch\""},
        BadCommandLine{
            "NegativeNoise", {"--task=xor", "--base_noise_level=-0.1"}, "--base_noise_level: -0.1"},
        BadCommandLine{"LagAboveItsBound", {"--task=xor", "--lag=65"}, "--lag: 65"},
        BadCommandLine{
            "ImbalanceAboveOne", {"--task=xor", "--min_imbalance=1.1"}, "--min_imbalance: 1.1"},
        BadCommandLine{"ThePapersNetworkIsFixed",
                       {"--task=xor-relu-sum", "--hidden=4"},
                       "--hidden: xor-relu-sum is the paper's network"},
        BadCommandLine{"CsvWithoutFile", {"--task=csv"}, "--data: --task=csv needs a file"},
        BadCommandLine{"DataForXor", {"--task=xor", "--data=a"}, "--data: xor reads no file"},
        BadCommandLine{"LabelColumnForDigits",
                       {"--task=digits", "--label_column=a"},
                       "--label_column: it is for --task=csv"},
        BadCommandLine{
            "ResumeFromNothing", {"--task=xor", "--resume"}, "--resume: it needs --checkpoint"},
        BadCommandLine{"CheckpointsToNowhere",
                       {"--task=xor", "--checkpoint_every=5"},
                       "--checkpoint_every: it needs --checkpoint"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace lehr

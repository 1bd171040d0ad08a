#include "client/cli/cli.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/client/cli/recorded_runs.h"

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

struct CommandRun {
  int exit_code;
  std::string out;
  std::string errors;
};

int RunWith(const std::vector<std::string>& arguments, const Output& output, std::ostream& errors) {
  std::vector<const char*> argv = {"lehr"};
  for (const std::string& argument : arguments) {
    argv.push_back(argument.c_str());
  }
  return RunCli(static_cast<int>(argv.size()), argv.data(), output, errors);
}

CommandRun Execute(const std::vector<std::string>& arguments, bool is_terminal = false) {
  std::ostringstream out;
  std::ostringstream errors;
  const int exit_code = RunWith(arguments, {.out = out, .is_terminal = is_terminal}, errors);
  return {exit_code, out.str(), errors.str()};
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  EXPECT_EQ(lines.back(), "");
  lines.pop_back();
  return lines;
}

class CliTest : public ::testing::Test {
 protected:
  CliTest() {
    server_.runs["digits-3"] = MakeRun("digits-3");
    server_.history = {MakeEntry(0), MakeEntry(1), MakeEntry(2)};
  }

  CommandRun Lehr(std::vector<std::string> arguments, bool is_terminal = false) {
    arguments.push_back("--supervisor=" + server_.address());
    return Execute(std::move(arguments), is_terminal);
  }

  RecordedRuns server_;
};

// ---- runs

TEST_F(CliTest, RunsPrintsALineForEachRunOfEachPage) {
  server_.runs["xor"] = MakeRun("xor");
  server_.runs["xor"].set_state(v1::RUN_STATE_LEFT);
  const CommandRun run = Lehr({"runs"});
  EXPECT_EQ(run.exit_code, kExitOk);
  const std::vector<std::string> lines = Lines(run.out);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[0], StartsWith("RUN       STATE   RANKS  STEP  TEMPERATURE  MEAN LOSS"));
  EXPECT_THAT(lines[1], StartsWith("digits-3  active  2/2       2         0.25        0.3"));
  EXPECT_THAT(lines[2], StartsWith("xor       left    2/2"));
  EXPECT_THAT(lines[1], HasSubstr("5 min"));
}

TEST_F(CliTest, TheEnvironmentMayNameTheSupervisorAndAFlagWins) {
  setenv("LEHR_SUPERVISOR", server_.address().c_str(), /*overwrite=*/1);
  const CommandRun run = Execute({"runs"});
  setenv("LEHR_SUPERVISOR", "127.0.0.1:1", /*overwrite=*/1);
  const CommandRun flagged = Lehr({"runs"});
  unsetenv("LEHR_SUPERVISOR");
  EXPECT_EQ(run.exit_code, kExitOk);
  EXPECT_EQ(flagged.exit_code, kExitOk);
}

TEST_F(CliTest, RunsIsPlainUnlessOnATerminal) {
  EXPECT_THAT(Lehr({"runs"}).out, Not(HasSubstr("\033")));
  EXPECT_THAT(Lehr({"runs"}, /*is_terminal=*/true).out, StartsWith("\033[1mRUN"));
}

TEST_F(CliTest, RunsPrintsTheHeaderAloneWithoutRuns) {
  server_.runs.clear();
  EXPECT_THAT(Lines(Lehr({"runs"}).out), SizeIs(1));
}

TEST_F(CliTest, RunsSaysThatActingIsStopped) {
  server_.acting_stopped = true;
  EXPECT_THAT(Lehr({"runs"}).out, HasSubstr("All acting is stopped"));
}

TEST_F(CliTest, ARunWithoutADecisionHasNoNumbers) {
  v1::Run& run = server_.runs["digits-3"];
  run.set_step(-1);
  run.clear_observation();
  EXPECT_THAT(Lines(Lehr({"runs"}).out)[1], StartsWith("digits-3  active  2/2       -"));
  EXPECT_THAT(Lehr({"show", "digits-3"}).out, HasSubstr("none yet"));
}

// ---- show

TEST_F(CliTest, ShowPrintsTheFactsAndTheLatestDecisions) {
  const CommandRun run = Lehr({"show", "digits-3"});
  EXPECT_EQ(run.exit_code, kExitOk);
  EXPECT_THAT(run.out, HasSubstr("state        active, 2 of 2 ranks connected\n"));
  EXPECT_THAT(run.out, HasSubstr("opened       2027-01-15 08:00:00 UTC\n"));
  EXPECT_THAT(run.out, HasSubstr("losses       4: mean 0.3, root mean square 0.25, max 0.75; left "
                                 "out: 1 NaN\n"));
  EXPECT_THAT(run.out, HasSubstr("commands     7, applied 6, skipped 1\n"));
  EXPECT_THAT(run.out, HasSubstr("policy       error_driven, base_noise_level 0.5\n"));
  EXPECT_THAT(run.out, HasSubstr("guards       cooldown_steps 10\n"));
  EXPECT_THAT(run.out, HasSubstr("label        model = mlp\n"));
  EXPECT_THAT(run.out, HasSubstr("cooldown: 1 of 10 steps since it acted\n"));
  EXPECT_THAT(run.out, HasSubstr("acts: noise of 0.125\n"));
}

TEST_F(CliTest, ShowPrintsOnlyTheLatestTenDecisions) {
  server_.history.clear();
  for (int64_t step = 0; step < 30; ++step) {
    server_.history.push_back(MakeEntry(step));
  }
  server_.runs["digits-3"].set_step(29);
  const std::vector<std::string> lines = Lines(Lehr({"show", "digits-3"}).out);
  EXPECT_THAT(lines[lines.size() - 10], StartsWith("        20  "));
  EXPECT_THAT(lines[lines.size() - 11], StartsWith("      STEP  "));
}

// ---- watch

TEST_F(CliTest, WatchPrintsALineADecisionUntilTheRunEnds) {
  server_.watched.resize(3);
  *server_.watched[0].mutable_run() = MakeRun("digits-3");
  *server_.watched[1].mutable_decision() = MakeEntry(1).decision();
  *server_.watched[2].mutable_decision() = MakeEntry(2).decision();
  const CommandRun run = Lehr({"watch", "digits-3"});
  EXPECT_EQ(run.exit_code, kExitOk);
  EXPECT_THAT(
      Lines(run.out),
      ElementsAre("-- digits-3: active, 2 of 2 ranks connected, error_driven, base_noise_level 0.5",
                  "      STEP  TEMPERATURE    MEAN LOSS  IMBALANCE        NOISE  REASON",
                  "         1         0.25          0.3        0.5            -  cooldown: 1 of 10 "
                  "steps since it acted",
                  "         2         0.25          0.3        0.5        0.125  acts: noise of "
                  "0.125"));
}

TEST_F(CliTest, WatchDrawsARunOnATerminalAndLeavesWhatItCameTo) {
  server_.runs["digits-3"].set_state(v1::RUN_STATE_LEFT);
  const CommandRun run = Lehr({"watch", "digits-3"}, /*is_terminal=*/true);
  EXPECT_EQ(run.exit_code, kExitOk);
  const std::string leave = "\033[?25h\033[?1049l";
  EXPECT_THAT(run.out, StartsWith("\033[?1049h\033[?25l" + leave));
  const std::string left = run.out.substr(run.out.find(leave) + leave.size());
  EXPECT_THAT(left, StartsWith("digits-3  left, 2 of 2 ranks, step 2, last seen 5 min ago\n"));
  EXPECT_THAT(left, HasSubstr("temperature       0.25  ███\n"));
  EXPECT_THAT(left, HasSubstr("  acts: noise of 0.…\n"));
}

TEST_F(CliTest, WatchOfAnUnknownRunLeavesTheTerminalAlone) {
  const CommandRun run = Lehr({"watch", "nope"}, /*is_terminal=*/true);
  EXPECT_EQ(run.exit_code, kExitFailed);
  EXPECT_EQ(run.out, "");
}

// A reader that has seen enough, such as head.
class TwoLines : public std::stringbuf {
 public:
  int sync() override {
    return str().find('\n', str().find('\n') + 1) == std::string::npos ? 0 : -1;
  }
};

TEST_F(CliTest, WatchOfAllRunsPrintsALineForEachUntilNobodyReads) {
  server_.runs["xor"] = MakeRun("xor");
  TwoLines buffer;
  std::ostream out(&buffer);
  std::ostringstream errors;
  EXPECT_EQ(RunWith({"watch", "--supervisor=" + server_.address()}, {.out = out}, errors),
            kExitFailed);
  EXPECT_THAT(
      Lines(buffer.str()),
      ElementsAre(
          "digits-3  active  2/2 ranks  step 2  temperature 0.25  mean loss 0.3  acts: noise "
          "of 0.125",
          "xor  active  2/2 ranks  step 2  temperature 0.25  mean loss 0.3  acts: noise of "
          "0.125"));
}

TEST_F(CliTest, WatchFailsIfTheSupervisorStops) {
  server_.watch_end = {grpc::StatusCode::UNAVAILABLE, "the supervisor is stopping"};
  const CommandRun run = Lehr({"watch", "digits-3"});
  EXPECT_EQ(run.exit_code, kExitNoSupervisor);
  EXPECT_THAT(run.errors, HasSubstr(server_.address()));
}

// ---- export

TEST_F(CliTest, ExportsTheWholeHistoryAsCsv) {
  for (v1::HistoryEntry& entry : server_.history) {
    entry.mutable_decision()->mutable_observation()->set_coverage(0.5);
    entry.mutable_decision()->mutable_observation()->set_dead_examples(6);
  }
  const CommandRun run = Lehr({"export", "digits-3", "--format=csv"});
  EXPECT_EQ(run.exit_code, kExitOk);
  EXPECT_THAT(
      Lines(run.out),
      ElementsAre(
          "generation,step,apply_step,closed_unix_ns,losses,temperature,magnitude,imbalance,"
          "unsquared_imbalance,entropy,root_mean_square,mean,max,nan_losses,infinite_losses,"
          "negative_losses,policy,reason,reason_value,reason_limit,actions,withheld,stddev,reports,"
          "applied_ranks,skipped_ranks,coverage,dead_examples,p10,p50,p90,tied_share,"
          "identity,learning_rate",
          "1,0,1,1800000000123456789,4,0.25,0.5,0.5,0.7071,1.5,0.25,0.30000000000000004,0.75,1,0,0,"
          "error_driven,cooldown,0,10,0,0,,2,0,0,0.5,6,0.125,0.2,0.625,0.0625,0,",
          "1,1,2,1800000000123456789,4,0.25,0.5,0.5,0.7071,1.5,0.25,0.30000000000000004,0.75,1,0,0,"
          "error_driven,cooldown,1,10,0,0,,2,0,0,0.5,6,0.125,0.2,0.625,0.0625,0,",
          "1,2,3,1800000000123456789,4,0.25,0.5,0.5,0.7071,1.5,0.25,0.30000000000000004,0.75,1,0,0,"
          "error_driven,acted,0.125,0,1,0,0.125,2,2,0,0.5,6,0.125,0.2,0.625,0.0625,0,"));
}

// The noise of the command is its second action.
TEST_F(CliTest, ExportsIdentityAndLearningRate) {
  v1::Decision& decision = *server_.history[2].mutable_decision();
  decision.clear_actions();
  decision.add_actions()->mutable_identity();
  decision.add_actions()->mutable_perturb()->set_stddev(0.25f);
  decision.add_actions()->mutable_learning_rate()->set_factor(0.1f);
  EXPECT_THAT(Lines(Lehr({"export", "digits-3", "--format=csv"}).out)[3],
              AllOf(HasSubstr(",3,0,0.25,2,2,0,"), EndsWith(",1,0.1")));
  decision.clear_actions();
  decision.add_withheld()->mutable_learning_rate()->set_factor(0.1f);
  EXPECT_THAT(Lines(Lehr({"export", "digits-3", "--format=csv"}).out)[3],
              AllOf(HasSubstr(",0,1,0,2,2,0,"), EndsWith(",0,0.1")));
}

TEST_F(CliTest, AnExportOfAnUnknownRunPrintsNothing) {
  const CommandRun run = Lehr({"export", "nope"});
  EXPECT_EQ(run.exit_code, kExitFailed);
  EXPECT_EQ(run.out, "");
}

TEST_F(CliTest, AnExportOfARunWithoutDecisionsIsTheHeader) {
  server_.history.clear();
  EXPECT_THAT(Lines(Lehr({"export", "digits-3"}).out), ElementsAre(StartsWith("generation,step,")));
}

// As on a full disk.
TEST_F(CliTest, EveryCommandFailsIfItsOutputCannotBeWritten) {
  const std::vector<std::vector<std::string>> commands = {{"runs"},
                                                          {"show", "digits-3"},
                                                          {"watch", "digits-3"},
                                                          {"watch"},
                                                          {"export", "digits-3"},
                                                          {"report", "digits-3"},
                                                          {"policy", "digits-3"},
                                                          {"stop-acting"},
                                                          {"end", "digits-3"},
                                                          {"--help"}};
  server_.watched.resize(1);
  *server_.watched[0].mutable_run() = MakeRun("digits-3");
  for (std::vector<std::string> arguments : commands) {
    const std::string command = arguments[0];
    arguments.push_back("--supervisor=" + server_.address());
    std::ofstream full("/dev/full");
    std::ostringstream errors;
    EXPECT_EQ(RunWith(arguments, {.out = full}, errors), kExitFailed) << command;
    EXPECT_THAT(errors.str(), HasSubstr("cannot write")) << command;
  }
}

TEST_F(CliTest, CsvIsTheDefaultFormat) {
  EXPECT_EQ(Lehr({"export", "digits-3"}).out, Lehr({"export", "digits-3", "--format=csv"}).out);
}

TEST_F(CliTest, ExportsTheWholeHistoryAsJson) {
  const CommandRun run = Lehr({"export", "digits-3", "--format=json"});
  EXPECT_EQ(run.exit_code, kExitOk);
  // The array as the field of a message that protobuf can read.
  v1::GetHistoryResponse history;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  absl::StrCat("{\"entries\":", run.out, "}"), &history)
                  .ok());
  ASSERT_EQ(history.entries_size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(history.entries(i).SerializeAsString(), MakeEntry(i).SerializeAsString());
  }
}

TEST_F(CliTest, AnEmptyHistoryIsAnEmptyArrayOrAHeader) {
  server_.history.clear();
  EXPECT_EQ(Lehr({"export", "digits-3", "--format=json"}).out, "[]\n");
  EXPECT_THAT(Lines(Lehr({"export", "digits-3", "--format=csv"}).out), SizeIs(1));
}

TEST_F(CliTest, ExportsToAFile) {
  const std::string file = ::testing::TempDir() + "export.csv";
  const CommandRun run = Lehr({"export", "digits-3", "-o", file});
  EXPECT_EQ(run.exit_code, kExitOk);
  EXPECT_EQ(run.out, "");
  std::stringstream written;
  written << std::ifstream(file).rdbuf();
  EXPECT_EQ(written.str(), Lehr({"export", "digits-3"}).out);
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
}

// What was exported before must not be lost to an error.
TEST_F(CliTest, AFailedExportLeavesTheFileAlone) {
  const std::string file = ::testing::TempDir() + "kept.csv";
  std::ofstream(file) << "yesterday's";
  EXPECT_EQ(Lehr({"export", "unknown", "-o", file}).exit_code, kExitFailed);
  std::stringstream kept;
  kept << std::ifstream(file).rdbuf();
  EXPECT_EQ(kept.str(), "yesterday's");
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
}

TEST_F(CliTest, SaysWhichFileCannotBeWritten) {
  const CommandRun run = Lehr({"export", "digits-3", "-o", "/no/such/folder/x.csv"});
  EXPECT_EQ(run.exit_code, kExitFailed);
  EXPECT_THAT(run.errors, AllOf(HasSubstr("/no/such/folder/x.csv"), HasSubstr("No such file")));
}

// ---- report

TEST_F(CliTest, ReportsToAFile) {
  const std::string file = ::testing::TempDir() + "report.html";
  const CommandRun run = Lehr({"report", "digits-3", "-o", file});
  EXPECT_EQ(run.exit_code, kExitOk);
  EXPECT_EQ(run.out, "");
  std::stringstream written;
  written << std::ifstream(file).rdbuf();
  EXPECT_THAT(written.str(),
              AllOf(StartsWith("<!doctype html>"), HasSubstr("acts: noise of 0.125")));
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
}

TEST_F(CliTest, AFailedReportLeavesTheFileAlone) {
  const std::string file = ::testing::TempDir() + "kept.html";
  std::ofstream(file) << "yesterday's";
  EXPECT_EQ(Lehr({"report", "unknown", "-o", file}).exit_code, kExitFailed);
  std::stringstream kept;
  kept << std::ifstream(file).rdbuf();
  EXPECT_EQ(kept.str(), "yesterday's");
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
}

// ---- policy, stop-acting, end

TEST_F(CliTest, PolicyWithoutFlagsShowsWhatIsInForce) {
  const CommandRun run = Lehr({"policy", "digits-3"});
  EXPECT_THAT(Lines(run.out), ElementsAre("policy  error_driven, base_noise_level 0.5",
                                          "guards  cooldown_steps 10"));
}

TEST_F(CliTest, PolicyChangesWhatItsFlagsNameAndKeepsTheRest) {
  const CommandRun run = Lehr({"policy", "digits-3", "--policy=observe", "--min_imbalance=0.1",
                               "--max_stddev=2", "--budget=3", "--budget_window_steps=100"});
  EXPECT_EQ(run.exit_code, kExitOk);
  EXPECT_THAT(Lines(run.out),
              ElementsAre("from step 3 on:",
                          "policy  observe: error_driven, base_noise_level 0.5, min_imbalance 0.1",
                          "guards  max_stddev 2, cooldown_steps 10, budget 3 in 100 steps"));
}

TEST_F(CliTest, PolicyChangesTheRule) {
  const CommandRun run = Lehr({"policy", "digits-3", "--policy=reheat"});
  EXPECT_THAT(Lines(run.out).at(1), "policy  reheat");
}

TEST_F(CliTest, PolicyTakesALimitAway) {
  server_.runs["digits-3"].mutable_settings()->mutable_guards()->set_max_stddev(2);
  const CommandRun run = Lehr({"policy", "digits-3", "--max_stddev=0", "--cooldown_steps=0"});
  EXPECT_THAT(Lines(run.out).back(), "guards  none");
}

TEST_F(CliTest, PolicySaysWhyTheSupervisorRefused) {
  const CommandRun run = Lehr({"policy", "digits-3", "--breaker_factor=-2"});
  EXPECT_EQ(run.exit_code, kExitFailed);
  EXPECT_EQ(run.errors, "lehr: breaker_factor is -2\n");
}

TEST_F(CliTest, StopActingAndResume) {
  EXPECT_EQ(Lehr({"stop-acting"}).out, "All acting is stopped: every policy only observes.\n");
  EXPECT_TRUE(server_.acting_stopped);
  EXPECT_EQ(Lehr({"stop-acting", "--resume"}).out, "Acting is allowed.\n");
  EXPECT_FALSE(server_.acting_stopped);
}

TEST_F(CliTest, EndEndsTheRun) {
  EXPECT_THAT(Lehr({"end", "digits-3"}).out, StartsWith("run digits-3 is ended"));
}

// ---- Errors.

TEST_F(CliTest, AnUnknownRunIsAnErrorOfEveryCommand) {
  for (const char* command : {"show", "watch", "export", "report", "policy", "end"}) {
    const CommandRun run = Lehr({command, "nope"});
    EXPECT_EQ(run.exit_code, kExitFailed) << command;
    EXPECT_EQ(run.errors, "lehr: run nope is not known\n") << command;
  }
}

TEST(Cli, SaysTheAddressWhereNoSupervisorAnswers) {
  // A port that is taken and refuses connections.
  const int taken = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(taken, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(taken, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string target = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"runs"}, {"watch", "x"}, {"export", "x"}}) {
    std::vector<std::string> arguments = command;
    arguments.push_back("--supervisor=" + target);
    const CommandRun run = Execute(arguments);
    EXPECT_EQ(run.exit_code, kExitNoSupervisor);
    EXPECT_THAT(run.errors, StartsWith("lehr: no supervisor answers at " + target));
  }
  close(taken);
}

TEST(Cli, AWrongCommandLineIsAUsageError) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "subcommand"},
      {{"runz"}, "runz"},
      {{"runs", "--colour"}, "--colour"},
      {{"show"}, "RUN"},
      {{"show", "a", "b"}, "b"},
      {{"export", "a", "--format=xml"}, "xml"},
      {{"runs", "--supervisor=nowhere"}, "'nowhere' is not HOST:PORT"},
      {{"policy", "a", "--budget=-1"}, "-1"},
      {{"policy", "a", "--base_noise_level=hot"}, "hot"},
      {{"policy", "a", "--policy=anneal"}, "anneal"},
  };
  for (const auto& [arguments, message] : cases) {
    const CommandRun run = Execute(arguments);
    EXPECT_EQ(run.exit_code, kExitUsage) << message;
    EXPECT_THAT(run.errors, HasSubstr(message));
    EXPECT_EQ(run.out, "");
  }
}

TEST(Cli, HelpNamesEveryCommand) {
  const CommandRun run = Execute({"--help"});
  EXPECT_EQ(run.exit_code, kExitOk);
  for (const char* command :
       {"runs", "show", "watch", "export", "policy", "stop-acting", "end", "--supervisor"}) {
    EXPECT_THAT(run.out, HasSubstr(command));
  }
}

TEST(Cli, PrintsItsVersion) { EXPECT_THAT(Execute({"--version"}).out, StartsWith("lehr ")); }

}  // namespace
}  // namespace lehr

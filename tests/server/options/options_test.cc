#include "server/options/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

absl::StatusOr<std::optional<ServerOptions>> Parse(std::vector<std::string> arguments,
                                                   std::ostream& out) {
  std::vector<const char*> argv = {"lehrd"};
  for (const std::string& argument : arguments) {
    argv.push_back(argument.c_str());
  }
  return ParseServerOptions(static_cast<int>(argv.size()), argv.data(), out);
}

ServerOptions Parsed(std::vector<std::string> arguments) {
  std::ostringstream out;
  arguments.push_back("--data_dir=/var/lib/lehr");
  const auto options = Parse(std::move(arguments), out);
  EXPECT_TRUE(options.ok()) << options.status();
  return options.ok() ? options->value() : ServerOptions();
}

std::string Error(std::vector<std::string> arguments) {
  std::ostringstream out;
  arguments.push_back("--data_dir=/var/lib/lehr");
  return std::string(Parse(std::move(arguments), out).status().message());
}

std::string Printed(const std::string& argument) {
  std::ostringstream out;
  const auto options = Parse({argument}, out);
  EXPECT_TRUE(options.ok() && !options->has_value());
  return out.str();
}

TEST(OptionsTest, DefaultsAreTheStructs) {
  const ServerOptions defaults;
  const ServerOptions options = Parsed({});
  EXPECT_EQ(options.listen.ToString(), "127.0.0.1:7070");
  EXPECT_EQ(options.http->ToString(), "127.0.0.1:7071");
  EXPECT_EQ(options.data_dir, "/var/lib/lehr");
  EXPECT_EQ(options.commit_interval, defaults.commit_interval);
  EXPECT_EQ(options.memory_quota, defaults.memory_quota);
  EXPECT_FALSE(options.reflection);
  EXPECT_FALSE(options.allow_insecure);
}

TEST(OptionsTest, FlagsSetEveryOption) {
  const ServerOptions options =
      Parsed({"--listen=0.0.0.0:1", "--http=none", "--allow_insecure", "--commit_interval=20ms",
              "--max_streams=2", "--max_runs=3", "--memory_quota=1GiB", "--metric_runs=4",
              "--http_threads=5", "--http_token_file=/run/token", "--reflection",
              "--log_level=debug", "--log_format=json", "--shutdown_timeout=1m30s"});
  EXPECT_EQ(options.listen.ToString(), "0.0.0.0:1");
  EXPECT_EQ(options.http, std::nullopt);
  EXPECT_TRUE(options.allow_insecure);
  EXPECT_EQ(options.commit_interval, absl::Milliseconds(20));
  EXPECT_EQ(options.max_streams, 2);
  EXPECT_EQ(options.max_runs, 3);
  EXPECT_EQ(options.memory_quota, 1073741824);
  EXPECT_EQ(options.metric_runs, 4);
  EXPECT_EQ(options.http_threads, 5);
  EXPECT_EQ(options.http_token_file, "/run/token");
  EXPECT_TRUE(options.reflection);
  EXPECT_EQ(options.log_level, LogLevel::kDebug);
  EXPECT_EQ(options.log_format, LogFormat::kJson);
  EXPECT_EQ(options.shutdown_timeout, absl::Seconds(90));
}

TEST(OptionsTest, AnUnknownFlagIsNamedBeforeAMissingOne) {
  std::ostringstream out;
  EXPECT_THAT(std::string(Parse({"--bogus"}, out).status().message()), HasSubstr("--bogus"));
}

TEST(OptionsTest, DataDirIsRequired) {
  std::ostringstream out;
  EXPECT_EQ(Parse({}, out).status().message(), "--data_dir is required");
}

TEST(OptionsTest, ErrorsNameOptionAndValue) {
  EXPECT_EQ(Error({"--listen=foo"}), "--listen=foo: not of the form HOST:PORT");
  EXPECT_EQ(Error({"--commit_interval=1s"}), "--commit_interval=1s: not within 1ms to 100ms");
  EXPECT_EQ(Error({"--log_level=chatty"}),
            "--log_level=chatty: not one of debug|info|warning|error");
  EXPECT_THAT(Error({"--reflection=maybe"}), HasSubstr("--reflection = maybe"));
}

TEST(OptionsTest, RefusesUnknownArguments) {
  EXPECT_THAT(Error({"--lisen=x"}), HasSubstr("--lisen=x"));
  EXPECT_THAT(Error({"stray"}), HasSubstr("stray"));
}

// Or `--http= --reflection` would listen on "--reflection".
TEST(OptionsTest, AnOptionIsNoValueOfTheOneBefore) {
  EXPECT_EQ(Error({"--http=", "--reflection"}), "--http: has no value");
}

TEST(OptionsTest, RefusesTwoPartsOnOneAddress) {
  EXPECT_EQ(Error({"--http=127.0.0.1:7070"}),
            "--http=127.0.0.1:7070: collides with --listen=127.0.0.1:7070");
}

TEST(OptionsTest, RefusesOtherMachinesUnlessAllowed) {
  EXPECT_THAT(Error({"--listen=0.0.0.0:7070"}),
              HasSubstr("--listen=0.0.0.0:7070: other machines could reach it"));
  EXPECT_THAT(Error({"--http=[::]:7071"}), HasSubstr("--http=[::]:7071: other machines"));
}

TEST(OptionsTest, HelpIsPrintedWhateverElseIsMissing) {
  const std::string help = Printed("--help");
  EXPECT_THAT(help, HasSubstr("--listen=HOST:PORT  (default 127.0.0.1:7070)"));
  EXPECT_THAT(help, HasSubstr("--commit_interval=DURATION  (1ms to 100ms, default 50ms)"));
  for (const absl::string_view line : absl::StrSplit(help, '\n')) {
    EXPECT_THAT(line, SizeIs(Le(100)));
  }
}

TEST(OptionsTest, VersionIsPrinted) { EXPECT_EQ(Printed("--version"), "lehrd " LEHR_VERSION "\n"); }

TEST(OptionsTest, ASidecarNeedsNoDataDir) {
  std::ostringstream out;
  EXPECT_EQ((*Parse({"--upstream=lehr.example:7070"}, out))->upstream, "lehr.example:7070");
}

TEST(OptionsTest, ASidecarTakesNothingThatIsForRuns) {
  EXPECT_EQ(Error({"--upstream=lehr.example:7070"}),
            "--data_dir: is not for a sidecar (--upstream=lehr.example:7070), which keeps no runs");
  std::ostringstream out;
  EXPECT_THAT(std::string(Parse({"--upstream=a:1", "--max_runs=5"}, out).status().message()),
              HasSubstr("--max_runs: is not for a sidecar"));
  EXPECT_THAT(std::string(Parse({"--upstream=a:1", "--http_token_file=t"}, out).status().message()),
              HasSubstr("--http_token_file: is not for a sidecar"));
}

TEST(OptionsTest, RefusesAnUpstreamThatCannotBe) {
  for (const char* upstream : {"lehr", ":7070", "http://lehr:7070"}) {
    EXPECT_THAT(Error({absl::StrCat("--upstream=", upstream)}),
                HasSubstr(absl::StrCat("--upstream=", upstream, ": not of the form HOST:PORT")));
  }
  EXPECT_THAT(Error({"--upstream=lehr:0"}), HasSubstr("not a number from 1 to 65535"));
}

class ConfigFileTest : public testing::Test {
 protected:
  ConfigFileTest()
      : path_(absl::StrCat(testing::TempDir(), "/",
                           testing::UnitTest::GetInstance()->current_test_info()->name(),
                           ".yaml")) {}
  ~ConfigFileTest() override { std::filesystem::remove(path_); }

  void Write(const std::string& text) { std::ofstream(path_) << text; }

  // The error of a config file, without the file's path in front.
  std::string ErrorInFile(const std::string& text) {
    Write(text);
    const std::string error = Error({"--config=" + path_});
    EXPECT_EQ(error.rfind(path_, 0), 0u) << error;
    return error.substr(std::min(path_.size(), error.size()));
  }

  const std::string path_;
};

TEST_F(ConfigFileTest, SetsOptions) {
  Write("# how this host runs it\nlisten: '[::1]:9'\ncommit_interval: 20ms\nreflection: true\n");
  const ServerOptions options = Parsed({"--config=" + path_});
  EXPECT_EQ(options.listen.ToString(), "[::1]:9");
  EXPECT_EQ(options.commit_interval, absl::Milliseconds(20));
  EXPECT_TRUE(options.reflection);
}

TEST_F(ConfigFileTest, MayHoldTheRequiredOption) {
  Write("data_dir: /srv/lehr\n");
  std::ostringstream out;
  EXPECT_EQ((*Parse({"--config", path_}, out))->data_dir, "/srv/lehr");
}

TEST_F(ConfigFileTest, MayMakeASidecar) {
  Write("upstream: lehr.example:7070\nmax_runs: 5\n");
  std::ostringstream out;
  EXPECT_EQ(Parse({"--config", path_}, out).status().message(),
            path_ +
                ":2: max_runs: is not for a sidecar (--upstream=lehr.example:7070), which "
                "keeps no runs");
}

TEST_F(ConfigFileTest, MayBeEmpty) {
  Write("");
  EXPECT_EQ(Parsed({"--config=" + path_}).listen, ServerOptions().listen);
}

TEST_F(ConfigFileTest, FlagsWin) {
  Write("listen: 127.0.0.1:1\nreflection: true\n");
  const ServerOptions options =
      Parsed({"--reflection=false", "--config=" + path_, "--listen=127.0.0.1:2"});
  EXPECT_EQ(options.listen.port, 2);
  EXPECT_FALSE(options.reflection);
}

TEST_F(ConfigFileTest, ValuesOutOfBoundsAreRefusedWithTheirLine) {
  EXPECT_EQ(ErrorInFile("\ncommit_interval: 3s\n"),
            ":2: commit_interval=3s: not within 1ms to 100ms");
}

TEST_F(ConfigFileTest, ChecksAcrossOptionsNameTheLine) {
  EXPECT_THAT(ErrorInFile("listen: 0.0.0.0:1\n"),
              HasSubstr(":1: listen=0.0.0.0:1: other machines"));
}

TEST_F(ConfigFileTest, RefusesUnknownKeys) {
  EXPECT_EQ(ErrorInFile("max_runs: 5\nlisen: x\n"), ":2: there is no option 'lisen'");
}

TEST_F(ConfigFileTest, RefusesOptionsOfTheCommandLineOnly) {
  EXPECT_EQ(ErrorInFile("config: other.yaml\n"), ":1: there is no option 'config'");
  EXPECT_EQ(ErrorInFile("help: true\n"), ":1: there is no option 'help'");
}

TEST_F(ConfigFileTest, RefusesAKeyGivenTwice) {
  EXPECT_EQ(ErrorInFile("max_runs: 5\nmax_runs: 6\n"), ":2: max_runs is given a second time");
}

TEST_F(ConfigFileTest, RefusesValuesThatAreNoScalar) {
  EXPECT_EQ(ErrorInFile("listen: [a, b]\n"), ":1: listen needs one value: [a, b]");
  EXPECT_EQ(ErrorInFile("http: {a: 1}\n"), ":1: http needs one value: {a: 1}");
  EXPECT_EQ(ErrorInFile("http:\n"), ":1: http needs one value: there is none");
}

TEST_F(ConfigFileTest, RefusesFlagsThatAreNotTrueOrFalse) {
  EXPECT_EQ(ErrorInFile("reflection: 7\n"), ":1: reflection=7: not true or false");
}

TEST_F(ConfigFileTest, RefusesWhatIsNoMap) {
  EXPECT_EQ(ErrorInFile("- a\n"), ":1: is not of the form 'option: value'");
  EXPECT_EQ(ErrorInFile("[a]: b\n"), ":1: a key is no name");
  EXPECT_EQ(ErrorInFile("max_runs: 5\n---\nmax_runs: 6\n"), ":3: a second document begins");
}

TEST_F(ConfigFileTest, RefusesBrokenYamlWithItsLine) {
  EXPECT_THAT(ErrorInFile("max_runs: 5\nlisten: [a\n"), HasSubstr(": is not YAML: "));
}

TEST_F(ConfigFileTest, RefusesAMissingFile) {
  EXPECT_EQ(Error({"--config=/nowhere/lehrd.yaml"}),
            "--config=/nowhere/lehrd.yaml: cannot be read");
}

}  // namespace
}  // namespace lehr

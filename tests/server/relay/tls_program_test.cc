// Who is let in where certificates are asked for: real processes, real certificates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/client/rank.h"
#include "tests/client/tls/lab_certificates.h"
#include "tests/server/lehrd_process.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

constexpr int kNoSupervisor = 3;

class TlsProgramTest : public ::testing::Test {
 protected:
  std::unique_ptr<LehrdProcess> Start(std::vector<std::string> arguments,
                                      const TlsFiles& files) const {
    for (const absl::string_view flag : absl::StrSplit(TlsFlags(files), ' ')) {
      arguments.emplace_back(flag);
    }
    arguments.emplace_back("--listen=127.0.0.1:0");
    return std::make_unique<LehrdProcess>(LEHRD_BINARY, std::move(arguments));
  }
  std::unique_ptr<LehrdProcess> StartSupervisor() const {
    return Start({"--data_dir=" + folder_.Path("data")}, lab_.Of("supervisor"));
  }
  // `lehr runs`, as an operator of that name.
  static FinishedProgram Runs(const std::string& address, const std::string& flags) {
    return RunProgram(LEHR_BINARY, "--supervisor=" + address + " " + flags + " runs");
  }

  const TemporaryFolder folder_;
  LabCertificates lab_{"supervisor,127.0.0.1 node other-host"};
};

TEST_F(TlsProgramTest, WhoHasACertificateOfTheCaIsServed) {
  const auto lehrd = StartSupervisor();
  const FinishedProgram runs = Runs(lehrd->address(), TlsFlags(lab_.Of("node")));
  EXPECT_EQ(runs.code, 0) << runs.output;

  ClientOptions options = Rank::Options(lehrd->address());
  options.tls = lab_.Of("node");
  Rank rank(std::move(options));
  EXPECT_TRUE(rank.Step(0).connected);
}

TEST_F(TlsProgramTest, StrangersAreNot) {
  const auto lehrd = StartSupervisor();
  const LabCertificates others("node");
  TlsFiles stranger = others.Of("node");
  // He knows whom he wants to reach.
  stranger.ca = lab_.Path("ca.pem");
  for (const std::string& flags : {std::string(), TlsFlags(stranger)}) {
    const FinishedProgram runs = Runs(lehrd->address(), flags);
    EXPECT_EQ(runs.code, kNoSupervisor) << flags << runs.output;
    EXPECT_THAT(runs.output, HasSubstr(lehrd->address()));
  }
  // And harm nobody.
  EXPECT_EQ(Runs(lehrd->address(), TlsFlags(lab_.Of("node"))).code, 0);
}

TEST_F(TlsProgramTest, ASupervisorThatIsNotTheOneAskedForIsNotBelieved) {
  const auto impostor = Start({"--data_dir=" + folder_.Path("other")}, lab_.Of("other-host"));
  EXPECT_EQ(Runs(impostor->address(), TlsFlags(lab_.Of("node"))).code, kNoSupervisor);

  const LabCertificates others("supervisor,127.0.0.1");
  TlsFiles of_another_ca = lab_.Of("node");
  of_another_ca.ca = others.Path("ca.pem");
  const auto lehrd = StartSupervisor();
  EXPECT_EQ(Runs(lehrd->address(), TlsFlags(of_another_ca)).code, kNoSupervisor);
}

TEST_F(TlsProgramTest, ASidecarProvesItselfUpstreamAndServesItsLoopbackWithout) {
  const auto lehrd = StartSupervisor();
  const auto sidecar = Start({"--upstream=" + lehrd->address()}, lab_.Of("node"));
  Rank rank(sidecar->address());
  EXPECT_TRUE(rank.Step(0).connected);
}

TEST_F(TlsProgramTest, ARenewedCertificateNeedsNoRestart) {
  const auto lehrd = StartSupervisor();
  ASSERT_EQ(Runs(lehrd->address(), TlsFlags(lab_.Of("node"))).code, 0);
  // Of a new CA, so that who comes with the new one tells them apart.
  const LabCertificates renewed("supervisor,127.0.0.1 node");
  for (const char* file : {"ca.pem", "supervisor-key.pem", "supervisor.pem"}) {
    std::filesystem::rename(renewed.Path(file), lab_.Path(file));
  }
  TlsFiles node = renewed.Of("node");
  node.ca = lab_.Path("ca.pem");
  int code = kNoSupervisor;
  for (const absl::Time end = absl::Now() + absl::Minutes(1); code != 0 && absl::Now() < end;) {
    code = Runs(lehrd->address(), TlsFlags(node)).code;
  }
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace lehr

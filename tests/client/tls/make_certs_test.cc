// deploy/make-certs as a user meets it; OpenSSL's own verification is the judge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/client/tls/lab_certificates.h"

namespace lehr {
namespace {

using ::testing::HasSubstr;

FinishedProgram Verify(const TlsFiles& files, const std::string& how) {
  return RunProgram("openssl", "verify -CAfile " + files.ca + " " + how + " " + files.certificate);
}

FinishedProgram MakeCerts(const std::string& arguments) {
  return RunProgram(LEHR_SOURCE_DIR "/deploy/make-certs", arguments);
}

TEST(MakeCerts, ACertificateNamesItsHostsForBothEnds) {
  const LabCertificates lab("supervisor,lehr.example,10.0.0.1");
  const TlsFiles files = lab.Of("supervisor");
  for (const char* good : {"-purpose sslserver -verify_hostname supervisor", "-purpose sslclient",
                           "-verify_hostname lehr.example", "-verify_ip 10.0.0.1"}) {
    EXPECT_EQ(Verify(files, good).code, 0) << good << Verify(files, good).output;
  }
  for (const char* bad : {"-verify_hostname other.example", "-verify_ip 10.0.0.2"}) {
    EXPECT_NE(Verify(files, bad).code, 0) << bad;
  }
}

TEST(MakeCerts, TheCaStaysAndTheKeysAreItsOwnersOnly) {
  LabCertificates lab("one");
  const std::string ca = ReadAll(lab.Path("ca.pem"));
  const std::string one = ReadAll(lab.Path("one.pem"));
  lab.Make("two");
  EXPECT_EQ(ReadAll(lab.Path("ca.pem")), ca);
  EXPECT_EQ(ReadAll(lab.Path("one.pem")), one);
  EXPECT_EQ(Verify(lab.Of("two"), "").code, 0);
  using std::filesystem::perms;
  const perms all = perms::owner_read | perms::owner_write;
  for (const char* key : {"ca-key.pem", "one-key.pem", "two-key.pem"}) {
    EXPECT_EQ(std::filesystem::status(lab.Path(key)).permissions(), all) << key;
  }
}

TEST(MakeCerts, BadArgumentsAreNamedAndWriteNothing) {
  const TemporaryFolder folder;
  const std::string certs = folder.Path("certs");
  for (const std::string bad :
       {"'a b'", "../escape", "ok,'x;y'", "--days=0", "--days=many", "-x"}) {
    const FinishedProgram made = MakeCerts(certs + " " + bad);
    EXPECT_EQ(made.code, 2) << bad;
    EXPECT_THAT(made.output, HasSubstr("make-certs: ")) << bad;
    EXPECT_FALSE(std::filesystem::exists(certs)) << bad;
  }
  EXPECT_EQ(MakeCerts("").code, 2);
}

}  // namespace
}  // namespace lehr

#include "client/tls/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <string>

#include "tests/client/tls/lab_certificates.h"

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsFilesTest : public ::testing::Test {
 protected:
  static std::string Fault(const TlsFiles& files) {
    const absl::Status status = CheckTlsFiles(files);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  // Signs `path` anew, with an end in the past.
  void Expire(const std::string& path, const std::string& key_path) const {
    FILE* file = fopen(key_path.c_str(), "r");
    EVP_PKEY* key = PEM_read_PrivateKey(file, nullptr, nullptr, nullptr);
    fclose(file);
    X509* certificate = X509_new();
    X509_set_pubkey(certificate, key);
    ASN1_TIME_set_string(X509_getm_notBefore(certificate), "20240101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(certificate), "20240229123456Z");
    ASSERT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
    file = fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  LabCertificates lab_{"one two"};
  TlsFiles files_ = lab_.Of("one");
};

TEST_F(TlsFilesTest, AllOrNoneAreGood) {
  EXPECT_EQ(CheckTlsFiles(files_), absl::OkStatus());
  EXPECT_EQ(CheckTlsFiles({}), absl::OkStatus());
}

TEST_F(TlsFilesTest, SomeAreNot) {
  for (std::string TlsFiles::*file : {&TlsFiles::certificate, &TlsFiles::key, &TlsFiles::ca}) {
    TlsFiles files = files_;
    (files.*file).clear();
    EXPECT_THAT(Fault(files), HasSubstr("are of use together only"));
  }
  EXPECT_THAT(Fault({.certificate = files_.certificate}), StartsWith("tls_key is missing"));
}

TEST_F(TlsFilesTest, AMissingFileIsNamed) {
  files_.key = "/nowhere/key.pem";
  EXPECT_EQ(Fault(files_), "tls_key=/nowhere/key.pem: cannot be read: No such file or directory");
}

TEST_F(TlsFilesTest, AFolderIsNoFile) {
  files_.ca = "/";
  EXPECT_THAT(Fault(files_), StartsWith("tls_ca=/: "));
}

TEST_F(TlsFilesTest, FilesOfAnotherKindAreNamed) {
  TlsFiles files = files_;
  files.certificate = files_.key;
  EXPECT_EQ(Fault(files), "tls_certificate=" + files_.key + ": holds no certificate in PEM");
  files = files_;
  files.key = files_.certificate;
  EXPECT_EQ(Fault(files),
            "tls_key=" + files_.certificate + ": holds no private key in PEM without a passphrase");
  files = files_;
  files.ca = files_.key;
  EXPECT_EQ(Fault(files), "tls_ca=" + files_.key + ": holds no certificate in PEM");
}

TEST_F(TlsFilesTest, AKeyOfAnotherCertificateIsNamed) {
  files_.key = lab_.Of("two").key;
  EXPECT_EQ(Fault(files_),
            "tls_key=" + files_.key + ": is not the key of tls_certificate=" + files_.certificate);
}

TEST_F(TlsFilesTest, AnExpiredCertificateSaysSinceWhen) {
  Expire(files_.certificate, files_.key);
  EXPECT_THAT(Fault(files_), AllOf(StartsWith("tls_certificate=" + files_.certificate),
                                   HasSubstr("expired on Feb 29 12:34:56 2024 GMT")));
}

TEST_F(TlsFilesTest, AKeyWithAPassphraseAsksNobody) {
  const std::string key = lab_.Path("locked.pem");
  const FinishedProgram locked =
      RunProgram("openssl", "pkey -in " + files_.key + " -aes256 -passout pass:secret -out " + key);
  ASSERT_EQ(locked.code, 0) << locked.output;
  files_.key = key;
  EXPECT_THAT(Fault(files_), HasSubstr("without a passphrase"));
}

}  // namespace
}  // namespace lehr

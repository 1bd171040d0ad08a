// Certificates by deploy/make-certs, in a folder of their own.
#ifndef LEHR_TESTS_CLIENT_TLS_LAB_CERTIFICATES_H_
#define LEHR_TESTS_CLIENT_TLS_LAB_CERTIFICATES_H_

#include <gtest/gtest.h>

#include <string>

#include "client/tls/tls_files.h"
#include "tests/finished_program.h"
#include "tests/temporary_folder.h"

namespace lehr {

class LabCertificates {
 public:
  // `names`: as make-certs takes them.
  explicit LabCertificates(const std::string& names) { Make(names); }

  // By the CA that is there, or a new one.
  void Make(const std::string& names) {
    const FinishedProgram made =
        RunProgram(LEHR_SOURCE_DIR "/deploy/make-certs", folder_.Path("certs") + " " + names);
    EXPECT_EQ(made.code, 0) << made.output;
  }

  std::string Path(const std::string& file) const { return folder_.Path("certs/" + file); }
  TlsFiles Of(const std::string& name) const {
    return {
        .certificate = Path(name + ".pem"), .key = Path(name + "-key.pem"), .ca = Path("ca.pem")};
  }

 private:
  TemporaryFolder folder_;
};

// As the flags of lehrd, lehr and lehr-train.
inline std::string TlsFlags(const TlsFiles& files) {
  return "--tls_certificate=" + files.certificate + " --tls_key=" + files.key +
         " --tls_ca=" + files.ca;
}

}  // namespace lehr

#endif  // LEHR_TESTS_CLIENT_TLS_LAB_CERTIFICATES_H_

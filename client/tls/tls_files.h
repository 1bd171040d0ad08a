// The files by which both ends of a connection prove who they are (mutual TLS), and their check
// before anything leans on them.
#ifndef LEHR_CLIENT_TLS_TLS_FILES_H_
#define LEHR_CLIENT_TLS_TLS_FILES_H_

#include <string>

#include "absl/status/status.h"

namespace lehr {

// All of PEM. All empty: nothing is encrypted and nobody proves anything.
struct TlsFiles {
  // One's own certificate, and after it those between it and the CA's, if there are any.
  std::string certificate;
  // Its private key, without a passphrase.
  std::string key;
  // The certificates of the CAs that the other end's certificate may come from.
  std::string ca;

  bool empty() const { return certificate.empty() && key.empty() && ca.empty(); }
};

// OK for no files. INVALID_ARGUMENT, as "tls_key=FILE: what is wrong", where one of the three is
// missing or cannot be read as what it must be, the key is not the certificate's, or the
// certificate has expired.
absl::Status CheckTlsFiles(const TlsFiles& files);

}  // namespace lehr

#endif  // LEHR_CLIENT_TLS_TLS_FILES_H_

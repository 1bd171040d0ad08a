#include "client/tls/tls_files.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace lehr {
namespace {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using File = std::unique_ptr<BIO, Freed<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;

absl::Status Fault(const char* name, const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(name, "=", path, ": ", what));
}

absl::StatusOr<File> Open(const char* name, const std::string& path) {
  errno = 0;
  File file(BIO_new_file(path.c_str(), "r"));
  if (file == nullptr) {
    const int error = errno;
    ERR_clear_error();
    return Fault(
        name, path,
        absl::StrCat("cannot be read: ",
                     error != 0 ? std::generic_category().message(error) : "it is not a file"));
  }
  return file;
}

absl::StatusOr<Certificate> ReadCertificate(const char* name, const std::string& path) {
  absl::StatusOr<File> file = Open(name, path);
  if (!file.ok()) {
    return file.status();
  }
  Certificate certificate(PEM_read_bio_X509(file->get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) {
    return Fault(name, path, "holds no certificate in PEM");
  }
  return certificate;
}

// There is nobody to ask.
int NoPassphrase(char*, int, int, void*) { return -1; }

absl::StatusOr<Key> ReadKey(const std::string& path) {
  absl::StatusOr<File> file = Open("tls_key", path);
  if (!file.ok()) {
    return file.status();
  }
  Key key(PEM_read_bio_PrivateKey(file->get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return Fault("tls_key", path, "holds no private key in PEM without a passphrase");
  }
  return key;
}

// "Nov 26 00:46:18 2026 GMT".
std::string Print(const ASN1_TIME* time) {
  const File text(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(text.get(), time);
  char* begin = nullptr;
  const int64_t size = BIO_get_mem_data(text.get(), &begin);
  return {begin, static_cast<size_t>(size)};
}

absl::Status CheckAllAreThere(const TlsFiles& files) {
  for (const auto& [name, path] :
       {std::pair("tls_certificate", &files.certificate), std::pair("tls_key", &files.key),
        std::pair("tls_ca", &files.ca)}) {
    if (path->empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, " is missing: tls_certificate, tls_key and tls_ca are of use together only"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& files) {
  if (files.empty()) {
    return absl::OkStatus();
  }
  if (absl::Status status = CheckAllAreThere(files); !status.ok()) {
    return status;
  }
  const absl::StatusOr<Certificate> certificate =
      ReadCertificate("tls_certificate", files.certificate);
  if (!certificate.ok()) {
    return certificate.status();
  }
  const absl::StatusOr<Key> key = ReadKey(files.key);
  if (!key.ok()) {
    return key.status();
  }
  const bool is_pair = X509_check_private_key(certificate->get(), key->get()) == 1;
  ERR_clear_error();
  if (!is_pair) {
    return Fault("tls_key", files.key,
                 absl::StrCat("is not the key of tls_certificate=", files.certificate));
  }
  const ASN1_TIME* end = X509_get0_notAfter(certificate->get());
  if (X509_cmp_current_time(end) < 0) {
    return Fault("tls_certificate", files.certificate, absl::StrCat("expired on ", Print(end)));
  }
  return ReadCertificate("tls_ca", files.ca).status();
}

}  // namespace lehr

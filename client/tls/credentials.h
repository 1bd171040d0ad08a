// gRPC's credentials for mutual TLS, made from files.
//
// The files are looked at again every few seconds: a certificate that is renewed in place serves
// new connections without a restart. Replace the pair at once (a renamed symbolic link, as
// Kubernetes does): with a key that is not the certificate's, handshakes fail until both fit again.
#ifndef LEHR_CLIENT_TLS_CREDENTIALS_H_
#define LEHR_CLIENT_TLS_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "client/tls/tls_files.h"

namespace lehr {

// For who connects: the other end must prove that it is the host that was asked for. `files` have
// passed CheckTlsFiles; without files nothing is encrypted.
std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(const TlsFiles& files);

// For who listens: a client without a certificate of the CA gets no further than the handshake. As
// above.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsFiles& files);

}  // namespace lehr

#endif  // LEHR_CLIENT_TLS_CREDENTIALS_H_

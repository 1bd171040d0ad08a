// A bounded HTTP/1.1 server on one address: a fixed number of threads, requests of at most 16 KiB,
// 10 seconds without progress. Every response closes its connection and carries headers that keep
// browsers from running what is not its own, framing or leaking it. A response may be a stream,
// which holds its thread until it ends.
//
//   auto server = HttpServer::Start({.address = address, .threads = 8},
//                                   [&](const HttpRequest& request) { return api.Handle(request);
//                                   });
#ifndef LEHR_SERVER_HTTP_HTTP_SERVER_H_
#define LEHR_SERVER_HTTP_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "server/http/http_message.h"
#include "server/options/address.h"

struct mg_connection;
struct mg_context;

namespace lehr {

class HttpServer {
 public:
  struct Options {
    // Port 0 takes a free one. IPv6 only if CivetWeb was built with it, which Debian's is not.
    Address address;
    // Requests that are served at a time.
    int threads = 32;
  };
  // Called from several threads at once.
  using Handler = std::function<HttpResponse(const HttpRequest& request)>;

  // UNAVAILABLE, with the address and the reason, if it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const Options& options, Handler handler);

  // Waits for handlers and streams that run, which must have been told to end; responses that are
  // being sent are cut.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const { return port_; }

 private:
  HttpServer(Address address, Handler handler)
      : address_(std::move(address)), handler_(std::move(handler)) {}

  void Knock() const;

  static int OnRequest(mg_connection* connection);
  static int OnMessage(const mg_connection* connection, const char* message);

  const Address address_;
  const Handler handler_;
  absl::Mutex mutex_;
  // What CivetWeb said first: the reason where it does not start.
  std::string first_message_ ABSL_GUARDED_BY(mutex_);
  mg_context* context_ = nullptr;
  std::uint16_t port_ = 0;
};

}  // namespace lehr

#endif  // LEHR_SERVER_HTTP_HTTP_SERVER_H_

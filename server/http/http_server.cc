#include "server/http/http_server.h"

#include <civetweb.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "server/log.h"

namespace lehr {
namespace {

// Nothing but this server's own files may be loaded, and no page may hold this one.
constexpr char kSecurityHeaders[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n";

HttpServer* ServerOf(const mg_connection* connection) {
  return static_cast<HttpServer*>(mg_get_user_data(mg_get_context(connection)));
}

std::string Header(mg_connection* connection, const char* name) {
  const char* value = mg_get_header(connection, name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<std::string> ReadBody(mg_connection* connection, std::size_t most) {
  // One byte more than is wanted tells whether it is longer.
  std::string body(most + 1, '\0');
  std::size_t size = 0;
  int read = 1;
  while (size < body.size() && read > 0) {
    read = mg_read(connection, body.data() + size, body.size() - size);
    size += static_cast<std::size_t>(std::max(read, 0));
  }
  if (size > most) {
    return absl::OutOfRangeError(absl::StrCat("the body is longer than ", most, " bytes"));
  }
  const long long promised = mg_get_request_info(connection)->content_length;
  if (read < 0 || (promised > 0 && size < static_cast<std::size_t>(promised))) {
    return absl::UnavailableError("the body ended early");
  }
  body.resize(size);
  return body;
}

bool Write(mg_connection* connection, std::string_view piece) {
  return mg_write(connection, piece.data(), piece.size()) == static_cast<int>(piece.size());
}

void Send(mg_connection* connection, const HttpResponse& response, bool with_body) {
  std::string head = absl::StrCat(
      "HTTP/1.1 ", response.code, " ", mg_get_response_code_text(connection, response.code),
      "\r\nContent-Type: ", response.content_type, "\r\nCache-Control: ", response.cache_control,
      "\r\nConnection: close\r\n", kSecurityHeaders);
  if (!response.stream) {
    absl::StrAppend(&head, "Content-Length: ", response.body.size(), "\r\n");
  }
  for (const auto& [name, value] : response.headers) {
    absl::StrAppend(&head, name, ": ", value, "\r\n");
  }
  absl::StrAppend(&head, "\r\n");
  if (!Write(connection, head) || !with_body) {
    return;
  }
  if (response.stream) {
    response.stream([connection](std::string_view piece) { return Write(connection, piece); });
  } else {
    Write(connection, response.body);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const Options& options,
                                                              Handler handler) {
  const std::string address = options.address.ToString();
  if (options.address.IsIpv6() && mg_check_feature(MG_FEATURES_IPV6) == 0) {
    return absl::UnavailableError(
        absl::StrCat("HTTP cannot be served on ", address, ": CivetWeb was built without IPv6"));
  }
  const std::string threads = absl::StrCat(options.threads);
  // clang-format off
  const char* const settings[] = {
      "listening_ports", address.c_str(),
      "num_threads", threads.c_str(),
      "connection_queue", "64",
      "max_request_size", "16384",
      "request_timeout_ms", "10000",
      "enable_keep_alive", "no",
      "access_control_allow_origin", "",
      "additional_header", "X-Content-Type-Options: nosniff",
      nullptr,
  };
  // clang-format on
  mg_callbacks callbacks = {};
  callbacks.begin_request = &HttpServer::OnRequest;
  callbacks.log_message = &HttpServer::OnMessage;

  std::unique_ptr<HttpServer> server(new HttpServer(options.address, std::move(handler)));
  server->context_ = mg_start(&callbacks, server.get(), const_cast<const char**>(settings));
  if (server->context_ == nullptr) {
    absl::MutexLock lock(&server->mutex_);
    return absl::UnavailableError(
        absl::StrCat("HTTP cannot be served on ", address, ": ", server->first_message_));
  }
  mg_server_port port;
  mg_get_server_ports(server->context_, /*size=*/1, &port);
  server->port_ = static_cast<std::uint16_t>(port.port);
  return server;
}

HttpServer::~HttpServer() {
  if (context_ == nullptr) {
    return;
  }
  absl::Notification stopped;
  std::thread knocker([&] {
    while (!stopped.WaitForNotificationWithTimeout(absl::Milliseconds(5))) {
      Knock();
    }
  });
  mg_stop(context_);
  stopped.Notify();
  knocker.join();
}

// CivetWeb looks up from waiting for connections every two seconds, or when one comes.
void HttpServer::Knock() const {
  std::array<char, 128> error;
  mg_close_connection(
      mg_connect_client(address_.host.c_str(), port_, /*use_ssl=*/0, error.data(), error.size()));
}

int HttpServer::OnRequest(mg_connection* connection) {
  const mg_request_info& info = *mg_get_request_info(connection);
  const HttpRequest request = {
      .method = info.request_method,
      .path = info.local_uri,
      .query = info.query_string == nullptr ? "" : info.query_string,
      .authorization = Header(connection, "Authorization"),
      .content_type = Header(connection, "Content-Type"),
      .if_none_match = Header(connection, "If-None-Match"),
      .read_body = [connection](std::size_t most) { return ReadBody(connection, most); },
  };
  const HttpResponse response = ServerOf(connection)->handler_(request);
  // Or CivetWeb would read a body that nobody wants.
  mg_disable_connection_keep_alive(connection);
  Send(connection, response, /*with_body=*/request.method != "HEAD");
  return response.code;
}

int HttpServer::OnMessage(const mg_connection* connection, const char* message) {
  LogDebug("CivetWeb", {{"message", message}});
  HttpServer* server = ServerOf(connection);
  absl::MutexLock lock(&server->mutex_);
  if (server->first_message_.empty()) {
    server->first_message_ = message;
  }
  return 1;
}

}  // namespace lehr

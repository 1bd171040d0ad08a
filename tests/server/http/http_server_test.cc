#include "server/http/http_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace lehr {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const Address kFreePort = {"127.0.0.1", 0};

std::unique_ptr<HttpServer> Started(HttpServer::Handler handler, int threads = 2) {
  auto server = HttpServer::Start({.address = kFreePort, .threads = threads}, std::move(handler));
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

// A socket that has sent the request.
int Connected(const HttpServer& server, const std::string& request) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(send(socket, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  return socket;
}

// Everything that the server answers until it closes the connection.
std::string Exchange(const HttpServer& server, const std::string& request) {
  const int socket = Connected(server, request);
  std::string answer;
  std::array<char, 4096> buffer;
  for (ssize_t size; (size = recv(socket, buffer.data(), buffer.size(), 0)) > 0;) {
    answer.append(buffer.data(), static_cast<std::size_t>(size));
  }
  close(socket);
  return answer;
}

std::string Request(const std::string& method, const std::string& target,
                    const std::string& headers = "") {
  return absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: localhost\r\n", headers, "\r\n");
}

HttpResponse Echo(const HttpRequest& request) {
  return {200, "text/plain", absl::StrCat(request.method, " ", request.path, " ? ", request.query)};
}

TEST(HttpServerTest, HandsOverMethodPathAndQuery) {
  const auto server = Started(Echo);
  EXPECT_THAT(
      Exchange(*server, Request("GET", "/a%20b/c?x=1&y=%2F")),
      AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nContent-Type: text/plain\r\n"),
            EndsWith("\r\n\r\nGET /a b/c ? x=1&y=%2F")));
}

TEST(HttpServerTest, HeadHasNoBody) {
  const auto server = Started(Echo);
  EXPECT_THAT(Exchange(*server, Request("HEAD", "/a")),
              AllOf(HasSubstr("\r\nContent-Length: 10\r\n"), EndsWith("\r\n\r\n")));
}

TEST(HttpServerTest, SendsSecurityHeaders) {
  const auto server = Started(Echo);
  EXPECT_THAT(Exchange(*server, Request("GET", "/", "Origin: http://evil.example\r\n")),
              AllOf(HasSubstr("\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; "
                              "style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
                              "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"),
                    HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"),
                    HasSubstr("\r\nCache-Control: no-store\r\n"),
                    Not(HasSubstr("Access-Control-Allow-Origin"))));
}

TEST(HttpServerTest, SendsWhatHeadersTheHandlerSets) {
  const auto server = Started([](const HttpRequest&) {
    return HttpResponse{405, "text/plain", "", "no-cache", {{"Allow", "GET, HEAD"}}};
  });
  EXPECT_THAT(
      Exchange(*server, Request("DELETE", "/")),
      AllOf(StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"),
            HasSubstr("\r\nCache-Control: no-cache\r\n"), HasSubstr("\r\nAllow: GET, HEAD\r\n")));
}

TEST(HttpServerTest, HandsOverWhatHeadersAHandlerReads) {
  const auto server = Started([](const HttpRequest& request) {
    return HttpResponse{
        200, "text/plain",
        absl::StrCat(request.authorization, "|", request.content_type, "|", request.if_none_match)};
  });
  EXPECT_THAT(Exchange(*server, Request("GET", "/",
                                        "Authorization: Bearer x\r\nContent-Type: text/a\r\n"
                                        "If-None-Match: \"y\"\r\n")),
              EndsWith("\r\n\r\nBearer x|text/a|\"y\""));
}

HttpResponse EchoBody(const HttpRequest& request) {
  const absl::StatusOr<std::string> body = request.read_body(/*most=*/10);
  return {200, "text/plain", body.ok() ? "body " + *body : body.status().ToString()};
}

TEST(HttpServerTest, ReadsABodyThatIsWanted) {
  const auto server = Started(EchoBody);
  EXPECT_THAT(Exchange(*server, Request("POST", "/", "Content-Length: 10\r\n") + "0123456789"),
              EndsWith("\r\n\r\nbody 0123456789"));
  EXPECT_THAT(Exchange(*server, Request("POST", "/", "Content-Length: 0\r\n")),
              EndsWith("\r\n\r\nbody "));
  EXPECT_THAT(Exchange(*server, Request("POST", "/", "Transfer-Encoding: chunked\r\n") +
                                    "3\r\nabc\r\n0\r\n\r\n"),
              EndsWith("\r\n\r\nbody abc"));
}

TEST(HttpServerTest, RefusesABodyThatIsTooLong) {
  const auto server = Started(EchoBody);
  EXPECT_THAT(Exchange(*server, Request("POST", "/", "Content-Length: 11\r\n") + "0123456789a"),
              HasSubstr("OUT_OF_RANGE: the body is longer than 10 bytes"));
}

// Pieces come as they are written, until the stream ends.
TEST(HttpServerTest, StreamsPieceByPiece) {
  const auto server = Started([](const HttpRequest&) {
    HttpResponse response = {200, "text/event-stream"};
    response.stream = [](const HttpWriter& write) {
      EXPECT_TRUE(write("one "));
      EXPECT_TRUE(write("two"));
    };
    return response;
  });
  EXPECT_THAT(Exchange(*server, Request("GET", "/")),
              AllOf(HasSubstr("\r\nContent-Type: text/event-stream\r\n"),
                    Not(HasSubstr("Content-Length")), EndsWith("\r\n\r\none two")));
  EXPECT_THAT(Exchange(*server, Request("HEAD", "/")), EndsWith("\r\n\r\n"));
}

TEST(HttpServerTest, AStreamLearnsThatItsClientIsGone) {
  std::latch learned(1);
  const auto server = Started([&](const HttpRequest&) {
    HttpResponse response = {200, "text/event-stream"};
    response.stream = [&](const HttpWriter& write) {
      while (write(std::string(1 << 16, 'x'))) {
      }
      learned.count_down();
    };
    return response;
  });
  close(Connected(*server, Request("GET", "/")));
  learned.wait();
}

// Nor does it wait for a client that does not read.
TEST(HttpServerTest, AStreamEndsWithTheServer) {
  std::latch begun(1);
  auto server = Started([&](const HttpRequest&) {
    HttpResponse response = {200, "text/event-stream"};
    response.stream = [&](const HttpWriter& write) {
      begun.count_down();
      while (write(std::string(1 << 16, 'x'))) {
      }
    };
    return response;
  });
  const int socket = Connected(*server, Request("GET", "/"));
  begun.wait();
  const absl::Time start = absl::Now();
  server.reset();
  EXPECT_LT(absl::Now() - start, absl::Seconds(8));
  close(socket);
}

// A web page of another origin asks this way whether it may.
TEST(HttpServerTest, GrantsNoCrossOriginRequests) {
  const auto server = Started(Echo);
  EXPECT_THAT(Exchange(*server, Request("OPTIONS", "/",
                                        "Origin: http://evil.example\r\n"
                                        "Access-Control-Request-Method: GET\r\n")),
              Not(HasSubstr("Access-Control")));
}

TEST(HttpServerTest, DoesNotWaitForABodyThatNobodyWants) {
  const auto server = Started(Echo);
  EXPECT_THAT(Exchange(*server, Request("POST", "/", "Content-Length: 1000000000\r\n")),
              HasSubstr("POST / ?"));
}

TEST(HttpServerTest, RefusesRequestsThatAreTooLong) {
  const auto server = Started(Echo);
  const std::string answer = Exchange(*server, Request("GET", "/" + std::string(16384, 'a')));
  EXPECT_THAT(answer, Not(HasSubstr(" 200 ")));
}

TEST(HttpServerTest, RefusesWhatIsNotHttp) {
  const auto server = Started(Echo);
  EXPECT_THAT(Exchange(*server, "\x16\x03\x01 hello\r\n\r\n"), Not(HasSubstr(" 200 ")));
  EXPECT_THAT(Exchange(*server, "OPTIONS * HTTP/1.1\r\n\r\n"), Not(HasSubstr(" 200 ")));
  EXPECT_THAT(Exchange(*server, Request("GET", "/")), HasSubstr(" 200 "));
}

TEST(HttpServerTest, ServesAsManyAtOnceAsItHasThreads) {
  std::latch arrived(3);
  const auto server = Started(
      [&](const HttpRequest& request) {
        arrived.arrive_and_wait();
        return Echo(request);
      },
      /*threads=*/3);
  std::vector<std::thread> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back(
        [&] { EXPECT_THAT(Exchange(*server, Request("GET", "/")), HasSubstr("200")); });
  }
  EXPECT_THAT(Exchange(*server, Request("GET", "/")), HasSubstr("200"));
  for (std::thread& client : clients) {
    client.join();
  }
}

TEST(HttpServerTest, SendsLargeBodiesWhole) {
  const auto server = Started([](const HttpRequest&) {
    return HttpResponse{200, "text/plain", std::string(20'000'000, 'x')};
  });
  const std::string answer = Exchange(*server, Request("GET", "/"));
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, 20'000'000u);
}

TEST(HttpServerTest, APortInUseIsNamed) {
  const auto server = Started(Echo);
  const Address taken = {"127.0.0.1", server->port()};
  const absl::Status status = HttpServer::Start({.address = taken, .threads = 1}, Echo).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(taken.ToString()), HasSubstr("Address already in use")));
}

TEST(HttpServerTest, AnAddressOfAnotherMachineIsNamed) {
  const Address foreign = {"192.0.2.1", 0};
  const absl::Status status = HttpServer::Start({.address = foreign, .threads = 1}, Echo).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("192.0.2.1:0"));
}

// Debian's CivetWeb has no IPv6; one that has it serves it.
TEST(HttpServerTest, Ipv6IsServedOrNamed) {
  const absl::Status status =
      HttpServer::Start({.address = {"::1", 0}, .threads = 1}, Echo).status();
  if (!status.ok()) {
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("[::1]:0"), HasSubstr("IPv6")));
  }
}

TEST(HttpServerTest, TheDestructorFreesThePort) {
  auto server = Started(Echo);
  const Address address = {"127.0.0.1", server->port()};
  server.reset();
  EXPECT_TRUE(HttpServer::Start({.address = address, .threads = 1}, Echo).ok());
}

}  // namespace
}  // namespace lehr

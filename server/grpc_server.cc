#include "server/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <utility>

#include "client/tls/credentials.h"
#include "server/runs_service.h"
#include "server/supervisor_service.h"

namespace lehr {
namespace {

// A Report of 2^20 losses with their ids takes 12 MiB.
constexpr int kMaxMessageBytes = 16 << 20;
// Streams on one connection: an HTTP/2 peer that opens and resets them at will costs memory.
constexpr int kMaxStreamsPerConnection = 256;
constexpr int kMaxMetadataBytes = 8 << 10;
// A peer that vanished without a word is noticed after the first, and the second.
constexpr int kKeepaliveMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 20'000;
// Clients that ping more often are cut off. Our client's keepalive is longer.
constexpr int kMinClientPingMs = 10'000;

// Linking the reflection library registers its plugin with every server.
class WithoutReflection final : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins,
                  [](const auto& plugin) { return plugin->name() == "proto_server_reflection"; });
  }
};

}  // namespace

GrpcServer::GrpcServer(Services services) : services_(std::move(services)) {}

GrpcServer::~GrpcServer() { Shutdown(absl::Now()); }

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options,
                                                              Supervisor& supervisor,
                                                              Metrics& metrics) {
  Services services;
  services.push_back(std::make_unique<SupervisorService>(supervisor, metrics, options.max_streams));
  services.push_back(std::make_unique<RunsService>(supervisor));
  return Start(options, std::move(services));
}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options,
                                                              Services services) {
  grpc::EnableDefaultHealthCheckService(true);
  auto server = std::unique_ptr<GrpcServer>(new GrpcServer(std::move(services)));
  grpc::ServerBuilder builder;
  if (options.reflection) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  } else {
    builder.SetOption(std::make_unique<WithoutReflection>());
  }
  const auto connections = std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor>(
      builder.experimental().AddExternalConnectionAcceptor(
          grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
          MakeServerCredentials(options.tls)));
  for (const std::unique_ptr<grpc::Service>& service : server->services_) {
    builder.RegisterService(service.get());
  }
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetResourceQuota(
      grpc::ResourceQuota("lehrd").Resize(static_cast<size_t>(options.memory_quota)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinClientPingMs);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr) {
    return absl::InternalError("gRPC does not start");
  }
  auto acceptor = TcpAcceptor::Start(
      {.address = options.address,
       .end_of_descriptors = options.end_of_descriptors,
       .peer_timeout = absl::Milliseconds(kKeepaliveTimeoutMs),
       .take = [connections](int connection, int listener) {
         grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
         parameters.listener_fd = listener;
         parameters.fd = connection;
         connections->HandleNewConnection(&parameters);
       }});
  if (!acceptor.ok()) {
    return acceptor.status();
  }
  server->acceptor_ = *std::move(acceptor);
  server->port_ = server->acceptor_->port();
  return server;
}

void GrpcServer::SetNotServing() { server_->GetHealthCheckService()->SetServingStatus(false); }

void GrpcServer::Shutdown(absl::Time deadline) {
  acceptor_.reset();
  if (server_ != nullptr) {
    server_->Shutdown(absl::ToChronoTime(deadline));
    server_->Wait();
    server_.reset();
  }
}

}  // namespace lehr

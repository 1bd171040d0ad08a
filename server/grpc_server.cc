#include "server/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"
#include "server/runs_service.h"
#include "server/supervise_stream.h"

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

struct GrpcServer::Services {
  Services(Supervisor& supervisor, Metrics& metrics, uint32_t max_streams)
      : supervisor_service(supervisor, metrics, max_streams), runs_service(supervisor) {}

  SupervisorService supervisor_service;
  RunsService runs_service;
};

GrpcServer::GrpcServer() = default;

GrpcServer::~GrpcServer() { Shutdown(absl::Now()); }

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const Options& options,
                                                              Supervisor& supervisor,
                                                              Metrics& metrics) {
  grpc::EnableDefaultHealthCheckService(true);
  auto server = std::unique_ptr<GrpcServer>(new GrpcServer());
  server->services_ = std::make_unique<Services>(supervisor, metrics, options.max_streams);
  grpc::ServerBuilder builder;
  if (options.reflection) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  } else {
    builder.SetOption(std::make_unique<WithoutReflection>());
  }
  builder.AddListeningPort(options.address, grpc::InsecureServerCredentials(), &server->port_);
  builder.RegisterService(&server->services_->supervisor_service);
  builder.RegisterService(&server->services_->runs_service);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetResourceQuota(
      grpc::ResourceQuota("lehrd").Resize(static_cast<size_t>(options.memory_quota)));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinClientPingMs);
  // Two servers must not share a port unknowingly.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || server->port_ == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.address, " (--listen): the port may be in use"));
  }
  return server;
}

void GrpcServer::SetNotServing() { server_->GetHealthCheckService()->SetServingStatus(false); }

void GrpcServer::Shutdown(absl::Time deadline) {
  if (server_ != nullptr) {
    server_->Shutdown(absl::ToChronoTime(deadline));
    server_->Wait();
    server_.reset();
  }
}

}  // namespace lehr

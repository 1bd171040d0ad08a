#include "client/cli/runs_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/tls/credentials.h"

namespace lehr {
namespace {

constexpr uint32_t kHistoryPage = 2000;
constexpr uint32_t kRunsPage = 1000;
// A page of decisions, each with its highest losses.
constexpr int kMaxResponseBytes = 64 << 20;

std::unique_ptr<RunsStub> Connect(const std::string& address, const TlsFiles& tls) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  // A watcher of a silent run notices when the supervisor's machine is gone.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return v1::RunsService::NewStub(
      grpc::CreateCustomChannel(address, MakeChannelCredentials(tls), arguments));
}

}  // namespace

RunsClient::RunsClient(std::string address, const TlsFiles& tls)
    : address_(std::move(address)), stub_(Connect(address_, tls)) {}

absl::StatusOr<v1::Run> RunsClient::GetRun(const std::string& run_id) {
  v1::GetRunRequest request;
  request.set_run_id(run_id);
  absl::StatusOr<v1::GetRunResponse> response = Call(&RunsStub::GetRun, request);
  if (!response.ok()) {
    return response.status();
  }
  return std::move(*response->mutable_run());
}

absl::StatusOr<v1::ListRunsResponse> RunsClient::ListRuns() {
  v1::ListRunsResponse all;
  v1::ListRunsRequest request;
  request.set_page_size(kRunsPage);
  do {
    const absl::StatusOr<v1::ListRunsResponse> page = Call(&RunsStub::ListRuns, request);
    if (!page.ok()) {
      return page.status();
    }
    all.mutable_runs()->MergeFrom(page->runs());
    all.set_acting_stopped(page->acting_stopped());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return all;
}

absl::Status RunsClient::Watch(const std::string& run_id,
                               const std::function<bool(const v1::WatchRunResponse&)>& take) {
  grpc::ClientContext context;
  v1::WatchRunRequest request;
  request.set_run_id(run_id);
  auto stream = stub_->WatchRun(&context, request);
  v1::WatchRunResponse response;
  while (stream->Read(&response)) {
    if (!take(response)) {
      context.TryCancel();
      stream->Finish();
      return absl::OkStatus();
    }
  }
  return ToStatus(stream->Finish());
}

absl::Status RunsClient::History(v1::GetHistoryRequest request,
                                 const std::function<bool(const v1::HistoryEntry&)>& take) {
  request.set_page_size(kHistoryPage);
  for (;;) {
    absl::StatusOr<v1::GetHistoryResponse> page = Call(&RunsStub::GetHistory, request);
    if (!page.ok()) {
      return page.status();
    }
    for (const v1::HistoryEntry& entry : page->entries()) {
      if (!take(entry)) {
        return absl::OkStatus();
      }
    }
    if (page->next_page_token().empty()) {
      return absl::OkStatus();
    }
    request.set_page_token(page->next_page_token());
  }
}

absl::Status RunsClient::ToStatus(const grpc::Status& status) const {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return absl::OkStatus();
    case grpc::StatusCode::UNAVAILABLE:
      return absl::UnavailableError(
          absl::StrCat("no supervisor answers at ", address_, ": ", status.error_message()));
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::UnavailableError(absl::StrCat("the supervisor at ", address_,
                                                 " did not answer within ",
                                                 absl::FormatDuration(kCallTimeout)));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnavailableError(
          absl::StrCat("what listens at ", address_, " is not a supervisor of this version"));
    default:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          status.error_message());
  }
}

}  // namespace lehr

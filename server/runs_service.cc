#include "server/runs_service.h"

#include <memory>
#include <utility>

#include "server/grpc_status.h"

namespace lehr {
namespace {

template <typename Response>
grpc::ServerUnaryReactor* Reply(grpc::CallbackServerContext* context,
                                absl::StatusOr<Response> result, Response* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Status status = result.status();
  if (status.ok()) {
    *response = *std::move(result);
  }
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

class Watcher final : public grpc::ServerWriteReactor<v1::WatchRunResponse> {
 public:
  Watcher(Supervisor& supervisor, const v1::WatchRunRequest& request)
      : outbox_(std::make_shared<WatchOutbox>(OutboxOverflow::kDropOldest)) {
    outbox_->OnChange([this] { Write(); });
    absl::StatusOr<std::shared_ptr<RunHost>> run = supervisor.Watch(request, outbox_);
    if (run.ok()) {
      run_ = *std::move(run);
    } else {
      outbox_->Close(run.status());
    }
  }

  void OnWriteDone(bool ok) override {
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
    }
    if (!ok) {
      outbox_->Close(absl::CancelledError("the watcher is gone"));
    }
    Write();
  }

  void OnCancel() override { outbox_->Close(absl::CancelledError("the watcher is gone")); }

  void OnDone() override {
    outbox_->OnChange(nullptr);
    if (run_ != nullptr) {
      run_->Unwatch(outbox_.get());
    }
    delete this;
  }

 private:
  void Write() {
    absl::MutexLock lock(&mutex_);
    if (writing_ || finished_) {
      return;
    }
    WatchOutbox::Next next = outbox_->Take();
    if (auto* response = std::get_if<v1::WatchRunResponse>(&next)) {
      response_ = std::move(*response);
      writing_ = true;
      StartWrite(&response_);
    } else if (auto* status = std::get_if<absl::Status>(&next)) {
      finished_ = true;
      Finish(ToGrpcStatus(*status));
    }
  }

  const std::shared_ptr<WatchOutbox> outbox_;
  std::shared_ptr<RunHost> run_;

  absl::Mutex mutex_;
  v1::WatchRunResponse response_;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerUnaryReactor* RunsService::ListRuns(grpc::CallbackServerContext* context,
                                                const v1::ListRunsRequest* request,
                                                v1::ListRunsResponse* response) {
  return Reply(context, supervisor_.ListRuns(*request), response);
}

grpc::ServerUnaryReactor* RunsService::GetRun(grpc::CallbackServerContext* context,
                                              const v1::GetRunRequest* request,
                                              v1::GetRunResponse* response) {
  return Reply(context, supervisor_.GetRun(*request), response);
}

grpc::ServerUnaryReactor* RunsService::GetHistory(grpc::CallbackServerContext* context,
                                                  const v1::GetHistoryRequest* request,
                                                  v1::GetHistoryResponse* response) {
  return Reply(context, supervisor_.GetHistory(*request), response);
}

grpc::ServerUnaryReactor* RunsService::SetPolicy(grpc::CallbackServerContext* context,
                                                 const v1::SetPolicyRequest* request,
                                                 v1::SetPolicyResponse* response) {
  return Reply(context, supervisor_.SetPolicy(*request), response);
}

grpc::ServerUnaryReactor* RunsService::StopActing(grpc::CallbackServerContext* context,
                                                  const v1::StopActingRequest* request,
                                                  v1::StopActingResponse* response) {
  return Reply(context, supervisor_.StopActing(*request), response);
}

grpc::ServerUnaryReactor* RunsService::EndRun(grpc::CallbackServerContext* context,
                                              const v1::EndRunRequest* request,
                                              v1::EndRunResponse* response) {
  return Reply(context, supervisor_.EndRun(*request), response);
}

grpc::ServerWriteReactor<v1::WatchRunResponse>* RunsService::WatchRun(
    grpc::CallbackServerContext*, const v1::WatchRunRequest* request) {
  return new Watcher(supervisor_, *request);
}

}  // namespace lehr

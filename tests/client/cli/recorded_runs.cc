#include "tests/client/cli/recorded_runs.h"

#include <gtest/gtest.h>

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace lehr {

v1::HistoryEntry MakeEntry(int64_t step) {
  v1::HistoryEntry entry;
  v1::Decision& decision = *entry.mutable_decision();
  decision.set_generation(1);
  decision.set_step(step);
  decision.set_apply_step(step + 1);
  decision.set_closed_unix_ns(1'800'000'000'123'456'789);
  decision.set_policy("error_driven");
  decision.set_reports(2);
  v1::Observation& observation = *decision.mutable_observation();
  observation.set_count(4);
  observation.set_temperature(0.25);
  observation.set_magnitude(0.5);
  observation.set_imbalance(0.5);
  observation.set_unsquared_imbalance(0.7071);
  observation.set_entropy(1.5);
  observation.set_root_mean_square(0.25);
  // Has no short decimal form.
  observation.set_mean(0.1 + 0.2);
  observation.set_max(0.75);
  observation.set_p10(0.125);
  observation.set_p50(0.2);
  observation.set_p90(0.625);
  observation.set_tied_share(0.0625);
  observation.set_nan_losses(1);
  if (step < 2) {
    decision.mutable_reason()->set_code(v1::Reason::CODE_COOLDOWN);
    decision.mutable_reason()->set_value(static_cast<double>(step));
    decision.mutable_reason()->set_limit(10);
    return entry;
  }
  decision.mutable_reason()->set_code(v1::Reason::CODE_ACTED);
  decision.mutable_reason()->set_value(0.125);
  decision.add_actions()->mutable_perturb()->set_stddev(0.125f);
  entry.set_applied(2);
  return entry;
}

v1::Run MakeRun(const std::string& id) {
  v1::Run run;
  run.set_run_id(id);
  run.set_state(v1::RUN_STATE_ACTIVE);
  run.set_generation(1);
  run.set_world_size(2);
  run.set_connected(2);
  run.set_step(2);
  *run.mutable_observation() = MakeEntry(2).decision().observation();
  *run.mutable_reason() = MakeEntry(2).decision().reason();
  run.set_commands(7);
  run.set_applied(6);
  run.set_skipped(1);
  run.mutable_settings()->mutable_policy()->mutable_error_driven()->set_base_noise_level(0.5);
  run.mutable_settings()->mutable_guards()->set_cooldown_steps(10);
  (*run.mutable_labels())["model"] = "mlp";
  run.mutable_opened()->set_seconds(1'800'000'000);
  run.mutable_last_seen()->set_seconds(absl::ToUnixSeconds(absl::Now()) - 300);
  return run;
}

RecordedRuns::RecordedRuns() {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

RecordedRuns::~RecordedRuns() { server_->Shutdown(std::chrono::system_clock::now()); }

grpc::Status RecordedRuns::ListRuns(grpc::ServerContext*, const v1::ListRunsRequest* request,
                                    v1::ListRunsResponse* response) {
  // One run a page.
  auto run = request->page_token().empty() ? runs.begin() : runs.find(request->page_token());
  if (run != runs.end()) {
    *response->add_runs() = run->second;
    if (++run != runs.end()) {
      response->set_next_page_token(run->first);
    }
  }
  response->set_acting_stopped(acting_stopped);
  return grpc::Status::OK;
}

grpc::Status RecordedRuns::GetRun(grpc::ServerContext*, const v1::GetRunRequest* request,
                                  v1::GetRunResponse* response) {
  if (grpc::Status status = Known(request->run_id()); !status.ok()) {
    return status;
  }
  *response->mutable_run() = runs.at(request->run_id());
  return grpc::Status::OK;
}

grpc::Status RecordedRuns::WatchRun(grpc::ServerContext*, const v1::WatchRunRequest* request,
                                    grpc::ServerWriter<v1::WatchRunResponse>* writer) {
  if (grpc::Status status = Known(request->run_id()); !status.ok()) {
    return status;
  }
  for (const v1::WatchRunResponse& response : watched) {
    writer->Write(response);
  }
  return watch_end;
}

grpc::Status RecordedRuns::GetHistory(grpc::ServerContext*, const v1::GetHistoryRequest* request,
                                      v1::GetHistoryResponse* response) {
  if (grpc::Status status = Known(request->run_id()); !status.ok()) {
    return status;
  }
  size_t position = request->page_token().empty() ? 0 : std::stoul(request->page_token());
  for (; position < history.size() && response->entries_size() < 2; ++position) {
    if (history[position].decision().step() >= request->from_step()) {
      *response->add_entries() = history[position];
    }
  }
  if (position < history.size()) {
    response->set_next_page_token(std::to_string(position));
  }
  return grpc::Status::OK;
}

grpc::Status RecordedRuns::SetPolicy(grpc::ServerContext*, const v1::SetPolicyRequest* request,
                                     v1::SetPolicyResponse* response) {
  if (request->guards().breaker_factor() < 0) {
    return {grpc::StatusCode::INVALID_ARGUMENT,
            absl::StrCat("breaker_factor is ", request->guards().breaker_factor())};
  }
  v1::Run& run = runs.at(request->run_id());
  *run.mutable_settings()->mutable_policy() = request->policy();
  *run.mutable_settings()->mutable_guards() = request->guards();
  *response->mutable_run() = run;
  response->set_from_step(3);
  return grpc::Status::OK;
}

grpc::Status RecordedRuns::StopActing(grpc::ServerContext*, const v1::StopActingRequest* request,
                                      v1::StopActingResponse* response) {
  acting_stopped = request->stop();
  response->set_acting_stopped(acting_stopped);
  return grpc::Status::OK;
}

grpc::Status RecordedRuns::EndRun(grpc::ServerContext*, const v1::EndRunRequest* request,
                                  v1::EndRunResponse* response) {
  if (grpc::Status status = Known(request->run_id()); !status.ok()) {
    return status;
  }
  runs.at(request->run_id()).set_state(v1::RUN_STATE_ENDED);
  *response->mutable_run() = runs.at(request->run_id());
  return grpc::Status::OK;
}

grpc::Status RecordedRuns::Known(const std::string& run_id) const {
  if (runs.count(run_id) == 0) {
    return {grpc::StatusCode::NOT_FOUND, absl::StrCat("run ", run_id, " is not known")};
  }
  return grpc::Status::OK;
}

}  // namespace lehr

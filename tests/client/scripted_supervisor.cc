#include "tests/client/scripted_supervisor.h"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/core/noise.h"

namespace lehr {

v1::SuperviseResponse WelcomeResponse(uint64_t generation, uint64_t epoch) {
  v1::SuperviseResponse response;
  response.mutable_welcome()->set_generation(generation);
  response.mutable_welcome()->set_epoch(epoch);
  response.mutable_welcome()->set_durable_through(-1);
  return response;
}

v1::SuperviseResponse DecisionResponse(int64_t step) {
  v1::SuperviseResponse response;
  v1::Decision& decision = *response.mutable_decision();
  decision.set_generation(1);
  decision.set_step(step);
  decision.set_apply_step(step + 1);
  decision.set_epoch(1);
  decision.set_durable_through(-1);
  decision.mutable_observation()->set_temperature(0.25 * static_cast<double>(step + 1));
  decision.set_policy("error_driven");
  return response;
}

v1::SuperviseResponse CommandResponse(int64_t step) {
  v1::SuperviseResponse response = DecisionResponse(step);
  v1::Perturbation& perturbation = *response.mutable_decision()->add_actions()->mutable_perturb();
  perturbation.set_id(static_cast<uint64_t>(step) + 1);
  perturbation.set_seed(0x1234 + static_cast<uint64_t>(step));
  perturbation.set_stddev(0.5f);
  perturbation.set_scale(v1::NOISE_SCALE_ABSOLUTE);
  perturbation.set_optimizer_state(v1::OPTIMIZER_STATE_KEEP);
  perturbation.set_noise_spec(std::string(kNoiseSpec));
  return response;
}

v1::SuperviseResponse RefusedResponse(int64_t step, v1::Refused::Code code) {
  v1::SuperviseResponse response;
  response.mutable_refused()->set_step(step);
  response.mutable_refused()->set_code(code);
  response.mutable_refused()->set_message(absl::StrCat("step ", step, " is not wanted"));
  return response;
}

Reply Obliging(const v1::SuperviseRequest& request) {
  if (request.has_join()) {
    return {.responses = {WelcomeResponse()}};
  }
  if (request.has_report() && !request.report().more()) {
    return {.responses = {DecisionResponse(request.report().step())}};
  }
  return {};
}

Reply Commanding(const v1::SuperviseRequest& request) {
  if (request.has_report()) {
    return {.responses = {CommandResponse(request.report().step())}};
  }
  return Obliging(request);
}

ScriptedSupervisor::ScriptedSupervisor(Script script) : script_(std::move(script)) { Start(); }

ScriptedSupervisor::~ScriptedSupervisor() { Stop(); }

void ScriptedSupervisor::Start() {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address_, grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(16 << 20);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr) << address_;
  address_ = absl::StrCat("127.0.0.1:", port);
}

void ScriptedSupervisor::Stop() {
  if (server_ != nullptr) {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
    server_.reset();
  }
}

void ScriptedSupervisor::SetScript(Script script) {
  absl::MutexLock lock(&mutex_);
  script_ = std::move(script);
}

std::vector<v1::SuperviseRequest> ScriptedSupervisor::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

std::vector<v1::Report> ScriptedSupervisor::reports() const {
  std::vector<v1::Report> reports;
  for (const v1::SuperviseRequest& request : requests()) {
    if (request.has_report()) {
      reports.push_back(request.report());
    }
  }
  return reports;
}

std::vector<v1::Join> ScriptedSupervisor::joins() const {
  std::vector<v1::Join> joins;
  for (const v1::SuperviseRequest& request : requests()) {
    if (request.has_join()) {
      joins.push_back(request.join());
    }
  }
  return joins;
}

grpc::Status ScriptedSupervisor::Supervise(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::SuperviseResponse, v1::SuperviseRequest>* stream) {
  v1::SuperviseRequest request;
  while (stream->Read(&request)) {
    const Reply reply = Answer(request);
    for (const v1::SuperviseResponse& response : reply.responses) {
      stream->Write(response);
    }
    if (reply.end) {
      return *reply.end;
    }
  }
  if (!context->IsCancelled()) {
    absl::MutexLock lock(&mutex_);
    ++half_closed_;
  }
  return grpc::Status::OK;
}

Reply ScriptedSupervisor::Answer(const v1::SuperviseRequest& request) {
  absl::MutexLock lock(&mutex_);
  requests_.push_back(request);
  ++all_;
  joins_ += request.has_join();
  reports_ += request.has_report();
  return script_(request);
}

void ScriptedSupervisor::Await(const size_t& counter, size_t count) const {
  const auto reached = [&] { return counter >= count; };
  absl::MutexLock lock(&mutex_);
  EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&reached), absl::Seconds(20)))
      << counter << " came, " << count << " were awaited";
}

}  // namespace lehr

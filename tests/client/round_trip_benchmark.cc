// What the client adds to a round trip: Client::Step against a bare gRPC stream that writes the
// same report and reads the same decision, on one server in one run, in turns. The answer is the
// ratio of the medians; the figures depend on the machine.
//
//   build/bin/client_round_trip_benchmark [LOSSES]
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "lehr/v1/supervisor.grpc.pb.h"

namespace lehr {
namespace {

constexpr int kRounds = 10;
constexpr int kStepsARound = 2000;

// Answers each report at once, as lehrd would without a journal.
class Echo final : public grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse> {
 public:
  Echo() { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::OK);
      return;
    }
    response_.Clear();
    if (request_.has_join()) {
      response_.mutable_welcome()->set_generation(1);
      response_.mutable_welcome()->set_epoch(1);
    } else if (request_.has_report() && !request_.report().more()) {
      v1::Decision& decision = *response_.mutable_decision();
      decision.set_generation(1);
      decision.set_epoch(1);
      decision.set_step(request_.report().step());
      decision.set_apply_step(request_.report().step() + 1);
      decision.set_durable_through(request_.report().step());
    } else {
      StartRead(&request_);
      return;
    }
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&request_);
    }
  }
  void OnDone() override { delete this; }

 private:
  v1::SuperviseRequest request_;
  v1::SuperviseResponse response_;
};

class EchoService final : public v1::SupervisorService::CallbackService {
  grpc::ServerBidiReactor<v1::SuperviseRequest, v1::SuperviseResponse>* Supervise(
      grpc::CallbackServerContext*) override {
    return new Echo;
  }
};

// Median of a step's time. Unit: microseconds.
double MedianStep(const std::function<void()>& step) {
  std::vector<double> times;
  for (int i = 0; i < kStepsARound; ++i) {
    const auto start = std::chrono::steady_clock::now();
    step();
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    times.push_back(time.count());
  }
  std::nth_element(times.begin(), times.begin() + kStepsARound / 2, times.end());
  return times[kStepsARound / 2];
}

void Run(size_t losses_a_step) {
  EchoService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(16 << 20);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  const std::string address = "127.0.0.1:" + std::to_string(port);
  const std::vector<float> losses(losses_a_step, 0.5f);

  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  const auto stub = v1::SupervisorService::NewStub(channel);
  grpc::ClientContext context;
  const auto stream = stub->Supervise(&context);
  v1::SuperviseRequest request;
  v1::SuperviseResponse response;
  request.mutable_report()->mutable_losses()->Add(losses.begin(), losses.end());
  const auto bare_step = [&] {
    stream->Write(request);
    stream->Read(&response);
  };

  ClientOptions options;
  options.supervisor = address;
  options.run_id = "benchmark";
  options.log = [](std::string_view) {};
  const auto client = Client::Create(std::move(options));
  int64_t step = 0;
  const auto client_step = [&] { (*client)->Step(step++, losses, {}, {}); };

  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    const double bare = MedianStep(bare_step);
    const double ours = MedianStep(client_step);
    ratios.push_back(ours / bare);
    std::printf("%zu losses: bare stream %.1f us, Client::Step %.1f us, ratio %.2f\n",
                losses.size(), bare, ours, ours / bare);
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("median ratio: %.2f\n", ratios[kRounds / 2]);
  context.TryCancel();
  stream->Finish();
}

}  // namespace
}  // namespace lehr

int main(int argc, char** argv) { lehr::Run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 4); }

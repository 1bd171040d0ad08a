// A real gRPC server whose supervisor does what a test says. Listens on a free loopback port, and
// can be stopped and started again on the same one.
#ifndef LEHR_TESTS_CLIENT_SCRIPTED_SUPERVISOR_H_
#define LEHR_TESTS_CLIENT_SCRIPTED_SUPERVISOR_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "lehr/v1/supervisor.grpc.pb.h"

namespace lehr {

// What a supervisor does after one request.
struct Reply {
  std::vector<v1::SuperviseResponse> responses;
  // Ends the stream, after the responses.
  std::optional<grpc::Status> end;
};

v1::SuperviseResponse WelcomeResponse(uint64_t generation = 1, uint64_t epoch = 1);
// Without actions.
v1::SuperviseResponse DecisionResponse(int64_t step);
// With a perturbation of every tensor.
v1::SuperviseResponse CommandResponse(int64_t step);
v1::SuperviseResponse RefusedResponse(int64_t step, v1::Refused::Code code);

// Welcome to a Join, a decision to each complete report, nothing to the rest.
Reply Obliging(const v1::SuperviseRequest& request);
// The same with a command for each step.
Reply Commanding(const v1::SuperviseRequest& request);

class ScriptedSupervisor final : public v1::SupervisorService::Service {
 public:
  // Called for each request of any stream, one at a time.
  using Script = std::function<Reply(const v1::SuperviseRequest&)>;

  explicit ScriptedSupervisor(Script script = Obliging);
  ~ScriptedSupervisor() override;

  void Start();
  // Drops every stream, as a crash would.
  void Stop();
  void SetScript(Script script);

  const std::string& address() const { return address_; }
  // All requests so far, of all streams.
  std::vector<v1::SuperviseRequest> requests() const;
  std::vector<v1::Report> reports() const;
  std::vector<v1::Join> joins() const;
  // Return once so many have come; fail the test after 20 s.
  void AwaitReports(size_t count) const { Await(reports_, count); }
  void AwaitJoins(size_t count) const { Await(joins_, count); }
  void AwaitRequests(size_t count) const { Await(all_, count); }
  // Returns once a client has half-closed its stream.
  void AwaitHalfClose() const { Await(half_closed_, 1); }

 private:
  grpc::Status Supervise(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::SuperviseResponse, v1::SuperviseRequest>* stream) override;
  Reply Answer(const v1::SuperviseRequest& request);
  void Await(const size_t& counter, size_t count) const;

  mutable absl::Mutex mutex_;
  Script script_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::SuperviseRequest> requests_ ABSL_GUARDED_BY(mutex_);
  size_t all_ = 0;
  size_t joins_ = 0;
  size_t reports_ = 0;
  size_t half_closed_ = 0;
  std::string address_ = "127.0.0.1:0";
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace lehr

#endif  // LEHR_TESTS_CLIENT_SCRIPTED_SUPERVISOR_H_

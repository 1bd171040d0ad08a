#include "client/supervisor_connection.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/wire.h"

namespace lehr {
namespace {

// Events of the log.
constexpr char kLost[] = "lost";
constexpr char kDecisionRefused[] = "decision refused";
constexpr char kReportRefused[] = "report refused";

std::string Describe(const grpc::Status& status) {
  return absl::StrCat(status.error_message().empty() ? "the stream ended" : status.error_message(),
                      " (gRPC status ", static_cast<int>(status.error_code()), ")");
}

}  // namespace

SupervisorConnection::SupervisorConnection(Options options, EventLog& log)
    : options_(std::move(options)),
      log_(log),
      session_({.resume_step = options_.join.resume_step(),
                .lag = options_.join.settings().lag(),
                .connect_timeout = options_.connect_timeout,
                .decision_timeout = options_.decision_timeout}),
      backoff_(std::random_device()()),
      references_(std::make_shared<ReferenceStddevs>()),
      thread_([this] { Run(); }) {}

SupervisorConnection::~SupervisorConnection() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    CancelCall();
    changed_.SignalAll();
  }
  thread_.join();
}

// ---- The trainer's thread.

void SupervisorConnection::Report(RankReport report) {
  absl::MutexLock lock(&mutex_);
  if (IsOver()) {
    return;
  }
  reported_step_ = report.step;
  if (auto to_send = session_.Report(std::move(report), absl::Now())) {
    Send(std::move(to_send));
  }
}

void SupervisorConnection::AwaitDecision() {
  absl::MutexLock lock(&mutex_);
  while (session_.Waiting(absl::Now())) {
    changed_.WaitWithDeadline(&mutex_, session_.wait_deadline());
  }
  if (session_.GiveUp(absl::Now())) {
    log_.NoteOnce(kLost, absl::StrCat("the supervisor at ", options_.supervisor,
                                      " did not decide about step ", reported_step_, " within ",
                                      absl::FormatDuration(options_.decision_timeout),
                                      "; training goes on, and it is tried again"));
    CancelCall();
  }
}

std::optional<HeldDecision> SupervisorConnection::TakeCommand(int64_t apply_step) {
  absl::MutexLock lock(&mutex_);
  return session_.TakeCommand(apply_step);
}

void SupervisorConnection::SetOutcome(CommandOutcome outcome,
                                      std::optional<uint64_t> parameter_digest) {
  absl::MutexLock lock(&mutex_);
  session_.SetOutcome(std::move(outcome), parameter_digest);
}

void SupervisorConnection::Pause(DeclaredPause pause) {
  absl::MutexLock lock(&mutex_);
  session_.Pause(std::move(pause));
  SendDeclared();
}

void SupervisorConnection::Checkpointed(int64_t step) {
  absl::MutexLock lock(&mutex_);
  session_.Checkpointed(step);
  SendDeclared();
}

void SupervisorConnection::Leave(bool completed) {
  absl::MutexLock lock(&mutex_);
  const absl::Time deadline = absl::Now() + options_.decision_timeout;
  stopping_ = true;
  if (session_.joined() && !leave_sent_) {
    leave_sent_ = outgoing_.Push(LeaveRequest(completed, session_.TakeOutcome()));
    WriteNext();
    while (call_ != nullptr && absl::Now() < deadline) {
      changed_.WaitWithDeadline(&mutex_, deadline);
    }
  }
  session_.Close();
  CancelCall();
  changed_.SignalAll();
}

SupervisorConnection::Status SupervisorConnection::TakeStatus() {
  absl::MutexLock lock(&mutex_);
  return {.joined = session_.joined(),
          .generation = session_.generation(),
          .newest_decision = std::exchange(newest_decision_, std::nullopt)};
}

std::shared_ptr<const ReferenceStddevs> SupervisorConnection::references() const {
  absl::MutexLock lock(&mutex_);
  return references_;
}

// ---- The connection's thread.

void SupervisorConnection::Run() {
  do {
    const grpc::Status status = Converse();
    {
      absl::MutexLock lock(&mutex_);
      EndStream(status);
    }
    log_.Tell();
  } while (WaitToReconnect());
}

// One stream, from its Join to its status.
grpc::Status SupervisorConnection::Converse() {
  SupervisorCall call(options_.supervisor);
  {
    absl::MutexLock lock(&mutex_);
    call_ = &call;
    if (IsOver()) {
      call.Cancel();
    }
  }
  absl::Time deadline = absl::Now() + kJoinTimeout;
  for (;;) {
    switch (call.Next(deadline)) {
      case SupervisorCall::Event::kStarted:
        SendJoin();
        break;
      case SupervisorCall::Event::kReceived:
        deadline = absl::InfiniteFuture();
        Take(call.response());
        break;
      case SupervisorCall::Event::kWritten: {
        absl::MutexLock lock(&mutex_);
        writing_ = false;
        WriteNext();
        break;
      }
      case SupervisorCall::Event::kDeadline:
        deadline = absl::InfiniteFuture();
        call.Cancel();
        break;
      case SupervisorCall::Event::kEnded: {
        absl::MutexLock lock(&mutex_);
        call_ = nullptr;
        writing_ = false;
        outgoing_.Clear();
        return call.status();
      }
    }
  }
}

// False: the connection is over.
bool SupervisorConnection::WaitToReconnect() {
  absl::MutexLock lock(&mutex_);
  const absl::Time next_try = absl::Now() + backoff_.Next();
  while (!IsOver() && absl::Now() < next_try) {
    changed_.WaitWithDeadline(&mutex_, next_try);
  }
  return !IsOver();
}

void SupervisorConnection::SendJoin() {
  v1::SuperviseRequest request;
  *request.mutable_join() = options_.join;
  absl::MutexLock lock(&mutex_);
  if (IsOver()) {
    return;
  }
  AddJoinFacts(session_.BeginJoin(), *request.mutable_join());
  writing_ = true;
  call_->Write(request);
}

void SupervisorConnection::Take(v1::SuperviseResponse& response) {
  {
    absl::MutexLock lock(&mutex_);
    switch (response.message_case()) {
      case v1::SuperviseResponse::kWelcome:
        TakeWelcome(response.welcome());
        break;
      case v1::SuperviseResponse::kDecision:
        TakeDecision(*response.mutable_decision());
        break;
      case v1::SuperviseResponse::kRefused:
        TakeRefused(response.refused());
        break;
      case v1::SuperviseResponse::MESSAGE_NOT_SET:
        // A newer supervisor says something that this client does not know.
        break;
    }
    changed_.SignalAll();
  }
  log_.Tell();
}

void SupervisorConnection::TakeWelcome(const v1::Welcome& welcome) {
  const absl::Status taken = session_.Welcomed(ToWelcomeFacts(welcome), absl::Now());
  if (!taken.ok()) {
    log_.NoteOnce(kLost, absl::StrCat(options_.supervisor, ": ", taken.message()));
    CancelCall();
    return;
  }
  auto references = std::make_shared<ReferenceStddevs>();
  for (const v1::TensorReference& tensor : welcome.tensors()) {
    references->emplace(tensor.name(), tensor.reference_stddev());
  }
  references_ = std::move(references);
  log_.Forget(kLost);
  log_.Note(absl::StrCat("joined run ", options_.join.run_id(), " at ", options_.supervisor,
                         " as rank ", options_.join.rank(), " of ", options_.join.world_size(),
                         ", generation ", welcome.generation()));
  for (auto& report : session_.Unanswered()) {
    Send(std::move(report));
  }
  SendDeclared();
}

void SupervisorConnection::TakeDecision(v1::Decision& decision) {
  if (session_.TakeDecision(ToHeldDecision(decision)) == Session::Arrival::kTaken) {
    backoff_.Reset();
    newest_decision_ = std::move(decision);
    SendDeclared();
    return;
  }
  log_.NoteOnce(kDecisionRefused,
                absl::StrCat("a decision about step ", decision.step(), " of generation ",
                             decision.generation(), ", epoch ", decision.epoch(),
                             ", is out of date or malformed and is not taken"));
}

void SupervisorConnection::TakeRefused(const v1::Refused& refused) {
  session_.TakeRefusal(refused.step());
  log_.NoteOnce(
      absl::StrCat(kReportRefused, refused.code()),
      absl::StrCat("the report of step ", refused.step(), " was refused: ", refused.message()));
  if (refused.code() == v1::Refused::CODE_RUN_ENDED) {
    session_.Close();
    CancelCall();
  }
}

void SupervisorConnection::EndStream(const grpc::Status& status) {
  changed_.SignalAll();
  if (IsOver()) {
    session_.Close();
    return;
  }
  switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::FAILED_PRECONDITION:
      session_.EndStream(Session::StreamEnd::kFatal);
      log_.Note(absl::StrCat("the supervisor at ", options_.supervisor, " refused run ",
                             options_.join.run_id(), ": ", Describe(status),
                             "; training goes on without it"));
      return;
    case grpc::StatusCode::ALREADY_EXISTS:
      backoff_.Raise();
      break;
    default:
      break;
  }
  session_.EndStream(Session::StreamEnd::kRetry);
  log_.NoteOnce(kLost, absl::StrCat("no supervisor at ", options_.supervisor, ": ",
                                    Describe(status), "; training goes on, and it is tried again"));
}

// ---- Either thread.

template <typename Message>
void SupervisorConnection::Send(Message message) {
  if (call_ == nullptr || leave_sent_) {
    return;
  }
  if (!outgoing_.Push(std::move(message))) {
    CancelCall();
    return;
  }
  WriteNext();
}

void SupervisorConnection::SendDeclared() {
  const absl::Time now = absl::Now();
  if (const auto pause = session_.PauseToSend(now)) {
    Send(ToRequest(*pause, now));
  }
  if (const auto step = session_.CheckpointToSend()) {
    v1::SuperviseRequest request;
    request.mutable_checkpointed()->set_step(*step);
    Send(std::move(request));
  }
}

void SupervisorConnection::WriteNext() {
  if (call_ == nullptr || writing_) {
    return;
  }
  if (!outgoing_.empty()) {
    writing_ = true;
    call_->Write(outgoing_.Take());
  } else if (leave_sent_) {
    call_->HalfClose();
  }
}

void SupervisorConnection::CancelCall() {
  if (call_ != nullptr) {
    call_->Cancel();
  }
}

}  // namespace lehr

#include "client/correspondence.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/wire.h"

namespace lehr {
namespace {

// Events of the log.
constexpr char kLost[] = "lost";
constexpr char kDecisionRefused[] = "decision refused";
constexpr char kReportRefused[] = "report refused";

std::string Describe(const absl::Status& status) {
  return absl::StrCat(status.message().empty() ? "the stream ended" : status.message(),
                      " (gRPC status ", static_cast<int>(status.code()), ")");
}

}  // namespace

Correspondence::Correspondence(Options options, EventLog& log)
    : options_(std::move(options)),
      log_(log),
      session_({.resume_step = options_.join.resume_step(),
                .lag = options_.join.settings().lag(),
                .connect_timeout = options_.connect_timeout,
                .decision_timeout = options_.decision_timeout}),
      backoff_(options_.backoff_seed),
      declared_tensors_(std::make_shared<DeclaredTensors>()) {}

// ---- What the stream does.

void Correspondence::Begin() {
  streaming_ = true;
  v1::SuperviseRequest request;
  *request.mutable_join() = options_.join;
  AddJoinFacts(session_.BeginJoin(), *request.mutable_join());
  outgoing_.Push(std::move(request));
}

void Correspondence::Take(v1::SuperviseResponse& response, absl::Time now) {
  switch (response.message_case()) {
    case v1::SuperviseResponse::kWelcome:
      TakeWelcome(response.welcome(), now);
      break;
    case v1::SuperviseResponse::kDecision:
      TakeDecision(*response.mutable_decision(), now);
      break;
    case v1::SuperviseResponse::kRefused:
      TakeRefused(response.refused());
      break;
    case v1::SuperviseResponse::MESSAGE_NOT_SET:
      // A newer supervisor says something that this client does not know.
      break;
  }
}

void Correspondence::TakeWelcome(const v1::Welcome& welcome, absl::Time now) {
  const absl::Status taken = session_.Welcomed(ToWelcomeFacts(welcome), now);
  if (!taken.ok()) {
    log_.NoteOnce(kLost, absl::StrCat(options_.supervisor, ": ", taken.message()));
    unwanted_ = true;
    return;
  }
  auto declared = std::make_shared<DeclaredTensors>();
  for (const v1::TensorReference& tensor : welcome.tensors()) {
    declared->emplace(tensor.name(), DeclaredTensor{.reference_stddev = tensor.reference_stddev(),
                                                    .side = tensor.side()});
  }
  declared_tensors_ = std::move(declared);
  log_.Forget(kLost);
  log_.Note(absl::StrCat("joined run ", options_.join.run_id(), " at ", options_.supervisor,
                         " as rank ", options_.join.rank(), " of ", options_.join.world_size(),
                         ", generation ", welcome.generation()));
  for (auto& report : session_.Unanswered()) {
    Send(std::move(report));
  }
  SendDeclared(now);
}

void Correspondence::TakeDecision(v1::Decision& decision, absl::Time now) {
  if (session_.TakeDecision(ToHeldDecision(decision)) == Session::Arrival::kTaken) {
    backoff_.Reset();
    newest_decision_ = std::move(decision);
    SendDeclared(now);
    return;
  }
  log_.NoteOnce(kDecisionRefused,
                absl::StrCat("a decision about step ", decision.step(), " of generation ",
                             decision.generation(), ", epoch ", decision.epoch(),
                             ", is out of date or malformed and is not taken"));
}

void Correspondence::TakeRefused(const v1::Refused& refused) {
  session_.TakeRefusal(refused.step());
  log_.NoteOnce(
      absl::StrCat(kReportRefused, refused.code()),
      absl::StrCat("the report of step ", refused.step(), " was refused: ", refused.message()));
  if (refused.code() == v1::Refused::CODE_RUN_ENDED) {
    Close();
  }
}

void Correspondence::End(const absl::Status& status) {
  streaming_ = false;
  unwanted_ = false;
  outgoing_.Clear();
  if (over()) {
    session_.Close();
    return;
  }
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
      session_.EndStream(Session::StreamEnd::kFatal);
      log_.Note(absl::StrCat("the supervisor at ", options_.supervisor, " refused run ",
                             options_.join.run_id(), ": ", Describe(status),
                             "; training goes on without it"));
      return;
    case absl::StatusCode::kAlreadyExists:
      backoff_.Raise();
      break;
    default:
      break;
  }
  session_.EndStream(Session::StreamEnd::kRetry);
  log_.NoteOnce(kLost, absl::StrCat("no supervisor at ", options_.supervisor, ": ",
                                    Describe(status), "; training goes on, and it is tried again"));
}

// ---- What the trainer does.

void Correspondence::Report(RankReport report, absl::Time now) {
  if (over()) {
    return;
  }
  reported_step_ = report.step;
  if (auto to_send = session_.Report(std::move(report), now)) {
    Send(std::move(to_send));
  }
}

void Correspondence::GiveUp(absl::Time now) {
  if (session_.GiveUp(now)) {
    log_.NoteOnce(kLost, absl::StrCat("the supervisor at ", options_.supervisor,
                                      " did not decide about step ", reported_step_, " within ",
                                      absl::FormatDuration(options_.decision_timeout),
                                      "; training goes on, and it is tried again"));
    unwanted_ = true;
  }
}

void Correspondence::Pause(DeclaredPause pause, absl::Time now) {
  session_.Pause(std::move(pause));
  SendDeclared(now);
}

void Correspondence::Checkpointed(int64_t step, absl::Time now) {
  session_.Checkpointed(step);
  SendDeclared(now);
}

bool Correspondence::Leave(bool completed) {
  over_ = true;
  if (session_.joined() && !leaves_) {
    leaves_ = outgoing_.Push(LeaveRequest(completed, session_.TakeOutcome()));
    return true;
  }
  return false;
}

void Correspondence::Close() {
  over_ = true;
  session_.Close();
  unwanted_ = true;
}

std::optional<v1::Decision> Correspondence::TakeNewestDecision() {
  return std::exchange(newest_decision_, std::nullopt);
}

template <typename Message>
void Correspondence::Send(Message message) {
  if (streaming_ && !leaves_ && !outgoing_.Push(std::move(message))) {
    unwanted_ = true;
  }
}

void Correspondence::SendDeclared(absl::Time now) {
  if (const auto pause = session_.PauseToSend(now)) {
    Send(ToRequest(*pause, now));
  }
  if (const auto step = session_.CheckpointToSend()) {
    v1::SuperviseRequest request;
    request.mutable_checkpointed()->set_step(*step);
    Send(std::move(request));
  }
}

}  // namespace lehr

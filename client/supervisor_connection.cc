#include "client/supervisor_connection.h"

#include <system_error>
#include <utility>

#include "absl/time/clock.h"
#include "client/tls/credentials.h"

namespace lehr {

SupervisorConnection::SupervisorConnection(Options options, const TlsFiles& tls, EventLog& log)
    : supervisor_{options.supervisor, MakeChannelCredentials(tls)},
      decision_timeout_(options.decision_timeout),
      log_(log),
      letters_(std::move(options), log),
      thread_([this] { Run(); }) {}

SupervisorConnection::~SupervisorConnection() {
  {
    absl::MutexLock lock(&mutex_);
    letters_.Close();
    pickup_.Now();
    changed_.SignalAll();
  }
  thread_.join();
}

// ---- The trainer's thread.

void SupervisorConnection::Report(RankReport report) {
  absl::MutexLock lock(&mutex_);
  letters_.Report(std::move(report), absl::Now());
  pickup_.Soon();
}

void SupervisorConnection::AwaitDecision() {
  absl::MutexLock lock(&mutex_);
  if (letters_.Waiting(absl::Now())) {
    pickup_.Now();
  }
  while (letters_.Waiting(absl::Now())) {
    changed_.WaitWithDeadline(&mutex_, letters_.wait_deadline());
  }
  letters_.GiveUp(absl::Now());
  pickup_.Soon();
}

std::optional<HeldDecision> SupervisorConnection::TakeCommand(int64_t apply_step) {
  absl::MutexLock lock(&mutex_);
  return letters_.session().TakeCommand(apply_step);
}

void SupervisorConnection::SetOutcome(CommandOutcome outcome) {
  absl::MutexLock lock(&mutex_);
  letters_.session().SetOutcome(std::move(outcome));
}

bool SupervisorConnection::WantsDigest(int64_t step) const {
  absl::MutexLock lock(&mutex_);
  return letters_.session().WantsDigest(step);
}

void SupervisorConnection::SetParameterDigest(uint64_t digest) {
  absl::MutexLock lock(&mutex_);
  letters_.session().SetParameterDigest(digest);
}

void SupervisorConnection::Pause(DeclaredPause pause) {
  absl::MutexLock lock(&mutex_);
  letters_.Pause(std::move(pause), absl::Now());
  pickup_.Soon();
}

void SupervisorConnection::Checkpointed(int64_t step) {
  absl::MutexLock lock(&mutex_);
  letters_.Checkpointed(step, absl::Now());
  pickup_.Soon();
}

void SupervisorConnection::Leave(bool completed) {
  absl::MutexLock lock(&mutex_);
  const absl::Time deadline = absl::Now() + decision_timeout_;
  if (letters_.Leave(completed)) {
    pickup_.Now();
    while (streaming_ && absl::Now() < deadline) {
      changed_.WaitWithDeadline(&mutex_, deadline);
    }
  }
  letters_.Close();
  pickup_.Now();
  changed_.SignalAll();
}

SupervisorConnection::Status SupervisorConnection::TakeStatus() {
  absl::MutexLock lock(&mutex_);
  return {.joined = letters_.session().joined(),
          .generation = letters_.session().generation(),
          .newest_decision = letters_.TakeNewestDecision()};
}

std::shared_ptr<const DeclaredTensors> SupervisorConnection::declared_tensors() const {
  absl::MutexLock lock(&mutex_);
  return letters_.declared_tensors();
}

// ---- The reader's thread.

void SupervisorConnection::Run() {
  do {
    const grpc::Status status = Converse();
    {
      absl::MutexLock lock(&mutex_);
      letters_.End(
          absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message()));
      changed_.SignalAll();
    }
    log_.Tell();
  } while (WaitToReconnect());
}

// One stream, from its Join to its status.
grpc::Status SupervisorConnection::Converse() {
  SupervisorCall call(supervisor_);
  {
    absl::MutexLock lock(&mutex_);
    streaming_ = true;
    writing_ = false;
    cancelled_ = false;
  }
  std::thread writer;
  try {
    writer = std::thread([&] { Write(call); });
  } catch (const std::system_error&) {
    // The system has no thread now; it may have one for the next stream.
    call.Cancel();
  }
  Read(call);
  {
    absl::MutexLock lock(&mutex_);
    streaming_ = false;
    pickup_.Now();
  }
  if (writer.joinable()) {
    writer.join();
  }
  return call.status();
}

// Until the stream ends.
void SupervisorConnection::Read(SupervisorCall& call) {
  absl::Time deadline = absl::Now() + kJoinTimeout;
  for (;;) {
    switch (call.Next(deadline)) {
      case SupervisorCall::Event::kStarted:
        Begin();
        break;
      case SupervisorCall::Event::kReceived:
        deadline = absl::InfiniteFuture();
        Take(call.response());
        break;
      case SupervisorCall::Event::kWritten:
        Written();
        break;
      case SupervisorCall::Event::kDeadline:
        deadline = absl::InfiniteFuture();
        call.Cancel();
        break;
      case SupervisorCall::Event::kEnded:
        return;
    }
  }
}

// False: the connection is over.
bool SupervisorConnection::WaitToReconnect() {
  absl::MutexLock lock(&mutex_);
  const absl::Time next_try = absl::Now() + letters_.ReconnectDelay();
  while (!letters_.over() && absl::Now() < next_try) {
    changed_.WaitWithDeadline(&mutex_, next_try);
  }
  return !letters_.over();
}

void SupervisorConnection::Begin() {
  absl::MutexLock lock(&mutex_);
  if (letters_.over()) {
    return;
  }
  letters_.Begin();
  pickup_.Now();
}

void SupervisorConnection::Take(v1::SuperviseResponse& response) {
  {
    absl::MutexLock lock(&mutex_);
    letters_.Take(response, absl::Now());
    pickup_.Soon();
    changed_.SignalAll();
  }
  log_.Tell();
}

void SupervisorConnection::Written() {
  absl::MutexLock lock(&mutex_);
  writing_ = false;
  if (!letters_.outgoing().empty() || letters_.leaves()) {
    pickup_.Now();
  }
}

// ---- The writer's thread.

void SupervisorConnection::Write(SupervisorCall& call) {
  for (;;) {
    const Errand errand = AwaitErrand();
    switch (errand.what) {
      case Errand::kWrite:
        call.Write(*errand.request);
        break;
      case Errand::kHalfClose:
        call.HalfClose();
        break;
      case Errand::kCancel:
        call.Cancel();
        break;
      case Errand::kNoMore:
        return;
    }
  }
}

SupervisorConnection::Errand SupervisorConnection::AwaitErrand() {
  absl::MutexLock lock(&mutex_);
  for (;;) {
    if (const std::optional<Errand> errand = TakeErrand()) {
      pickup_.Found();
      return *errand;
    }
    pickup_.Wait(&mutex_);
  }
}

// What is to be done now.
std::optional<SupervisorConnection::Errand> SupervisorConnection::TakeErrand() {
  if (!streaming_) {
    return Errand{Errand::kNoMore};
  }
  if (letters_.unwanted() && !cancelled_) {
    cancelled_ = true;
    return Errand{Errand::kCancel};
  }
  if (cancelled_ || writing_) {
    return std::nullopt;
  }
  if (!letters_.outgoing().empty()) {
    writing_ = true;
    return Errand{Errand::kWrite, &letters_.outgoing().Take()};
  }
  if (letters_.leaves() && !half_closed_) {
    half_closed_ = true;
    return Errand{Errand::kHalfClose};
  }
  return std::nullopt;
}

}  // namespace lehr

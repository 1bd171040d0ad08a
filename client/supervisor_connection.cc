#include "client/supervisor_connection.h"

#include <utility>

#include "absl/time/clock.h"

namespace lehr {

SupervisorConnection::SupervisorConnection(Options options, EventLog& log)
    : supervisor_(options.supervisor),
      decision_timeout_(options.decision_timeout),
      log_(log),
      letters_(std::move(options), log),
      thread_([this] { Run(); }) {}

SupervisorConnection::~SupervisorConnection() {
  {
    absl::MutexLock lock(&mutex_);
    letters_.Close();
    Carry();
    changed_.SignalAll();
  }
  thread_.join();
}

// ---- The trainer's thread.

void SupervisorConnection::Report(RankReport report) {
  absl::MutexLock lock(&mutex_);
  letters_.Report(std::move(report), absl::Now());
  Carry();
}

void SupervisorConnection::AwaitDecision() {
  absl::MutexLock lock(&mutex_);
  while (letters_.Waiting(absl::Now())) {
    changed_.WaitWithDeadline(&mutex_, letters_.wait_deadline());
  }
  letters_.GiveUp(absl::Now());
  Carry();
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
  Carry();
}

void SupervisorConnection::Checkpointed(int64_t step) {
  absl::MutexLock lock(&mutex_);
  letters_.Checkpointed(step, absl::Now());
  Carry();
}

void SupervisorConnection::Leave(bool completed) {
  absl::MutexLock lock(&mutex_);
  const absl::Time deadline = absl::Now() + decision_timeout_;
  if (letters_.Leave(completed)) {
    Carry();
    while (call_ != nullptr && absl::Now() < deadline) {
      changed_.WaitWithDeadline(&mutex_, deadline);
    }
  }
  letters_.Close();
  Carry();
  changed_.SignalAll();
}

SupervisorConnection::Status SupervisorConnection::TakeStatus() {
  absl::MutexLock lock(&mutex_);
  return {.joined = letters_.session().joined(),
          .generation = letters_.session().generation(),
          .newest_decision = letters_.TakeNewestDecision()};
}

std::shared_ptr<const ReferenceStddevs> SupervisorConnection::references() const {
  absl::MutexLock lock(&mutex_);
  return letters_.references();
}

// ---- The connection's thread.

void SupervisorConnection::Run() {
  do {
    const grpc::Status status = Converse();
    {
      absl::MutexLock lock(&mutex_);
      call_ = nullptr;
      writing_ = false;
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
    call_ = &call;
    if (letters_.over()) {
      call.Cancel();
    }
  }
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
      case SupervisorCall::Event::kWritten: {
        absl::MutexLock lock(&mutex_);
        writing_ = false;
        Carry();
        break;
      }
      case SupervisorCall::Event::kDeadline:
        deadline = absl::InfiniteFuture();
        call.Cancel();
        break;
      case SupervisorCall::Event::kEnded: {
        // Nobody may cancel it from here on.
        absl::MutexLock lock(&mutex_);
        call_ = nullptr;
        return call.status();
      }
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
  Carry();
}

void SupervisorConnection::Take(v1::SuperviseResponse& response) {
  {
    absl::MutexLock lock(&mutex_);
    letters_.Take(response, absl::Now());
    Carry();
    changed_.SignalAll();
  }
  log_.Tell();
}

// ---- Either thread.

void SupervisorConnection::Carry() {
  if (call_ == nullptr) {
    return;
  }
  if (letters_.unwanted()) {
    call_->Cancel();
    return;
  }
  if (writing_) {
    return;
  }
  if (!letters_.outgoing().empty()) {
    writing_ = true;
    call_->Write(letters_.outgoing().Take());
  } else if (letters_.leaves() && !half_closed_) {
    half_closed_ = true;
    call_->HalfClose();
  }
}

}  // namespace lehr

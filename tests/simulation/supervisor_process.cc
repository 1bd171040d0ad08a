#include "tests/simulation/supervisor_process.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace lehr::simulation {

SupervisorProcess::SupervisorProcess(Options options) : options_(std::move(options)) {
  store_ = std::make_unique<SimulatedStore>(
      SimulatedStore::Options{.scenario = options_.scenario,
                              .queue = options_.queue,
                              .random = options_.random,
                              .disk = options_.disk,
                              .listener = options_.checker,
                              .on_durable = [this] { runs_->OnDurable(); },
                              .on_failure =
                                  [this] {
                                    Crash(/*with_its_machine=*/false);
                                    options_.on_exit();
                                  }});
  options_.checker.SupervisorStarted(*store_);
  runs_ = std::make_unique<RunTable>(RunTable::Options{
      .store = store_.get(),
      .metrics = &options_.metrics,
      .wake_at = [this](absl::Time time) { WakeAt(time); },
  });
  const absl::Status recovered = runs_->Recover(options_.queue.now());
  if (!recovered.ok()) {
    options_.checker.Fail("the supervisor does not start: " + recovered.ToString());
  }
}

void SupervisorProcess::Accept(const std::shared_ptr<Stream>& stream, uint32_t process) {
  auto call = std::make_shared<Call>(*runs_, options_.metrics, ++streams_, stream, process);
  calls_.push_back(call);
  // The stream's end does not own the call, which owns the stream.
  const std::weak_ptr<Call> weak = call;
  call->outbox->OnChange([this, weak] {
    if (const std::shared_ptr<Call> written = weak.lock()) {
      Write(written);
    }
  });
  stream->Attach(Stream::SupervisorEnd{
      .received =
          [this, weak](const v1::SuperviseRequest& request) {
            const std::shared_ptr<Call> read = weak.lock();
            if (read != nullptr && alive() && read->reading) {
              Take(*read, request);
            }
          },
      .half_closed =
          [this, weak] {
            if (const std::shared_ptr<Call> read = weak.lock(); read != nullptr && alive()) {
              read->reading = false;
              read->rank.ReadingEnded();
            }
          },
      .broken =
          [this, weak] {
            if (const std::shared_ptr<Call> broken = weak.lock(); broken != nullptr && alive()) {
              broken->reading = false;
              broken->outbox->Close(absl::CancelledError("the rank is gone"));
            }
          },
  });
}

void SupervisorProcess::Take(Call& call, const v1::SuperviseRequest& request) {
  const absl::Time now = options_.queue.now();
  options_.checker.SupervisorReceives(call.number, call.process, request);
  call.reading = call.rank.Take(request, now);
  options_.checker.SupervisorHandled(call.number, request, *store_);
}

// Writes what waits. Called with the locks of the run held: it only hands on.
void SupervisorProcess::Write(const std::shared_ptr<Call>& call) {
  while (!call->finished) {
    RankOutbox::Next next = call->outbox->Take();
    if (auto* response = std::get_if<v1::SuperviseResponse>(&next)) {
      options_.checker.SupervisorSends(call->number, call->process, *response, *store_);
      call->stream->Send(std::move(*response));
    } else if (auto* status = std::get_if<absl::Status>(&next)) {
      call->finished = true;
      call->stream->Finish(*status);
      options_.queue.After(absl::ZeroDuration(), [this, call] {
        if (alive()) {
          call->rank.Ended(options_.queue.now());
          std::erase(calls_, call);
        }
      });
    } else {
      return;
    }
  }
}

void SupervisorProcess::WakeAt(absl::Time time) {
  if (time >= next_tick_) {
    return;
  }
  next_tick_ = std::max(time, options_.queue.now());
  options_.queue.At(time, [this, due = next_tick_] {
    if (!alive() || next_tick_ != due) {
      return;
    }
    next_tick_ = absl::InfiniteFuture();
    options_.checker.SupervisorTicks();
    runs_->Tick(options_.queue.now());
  });
}

void SupervisorProcess::Crash(bool with_its_machine) {
  store_->Crash();
  for (const std::shared_ptr<Call>& call : calls_) {
    call->outbox->OnChange(nullptr);
    call->stream->SupervisorDies(with_its_machine);
  }
  End();
}

void SupervisorProcess::StopCleanly() {
  if (!store_->Flush()) {
    Crash(/*with_its_machine=*/false);
    return;
  }
  runs_->Stop();
  runs_->Tick(options_.queue.now());
  for (const std::shared_ptr<RunHost>& run : runs_->All()) {
    run->CloseStreams(absl::UnavailableError("the supervisor is stopping"));
  }
  store_->Close();
  End();
}

void SupervisorProcess::End() {
  options_.checker.SupervisorEnded();
  // This may be within a call of theirs.
  options_.queue.After(absl::ZeroDuration(),
                       [calls = std::move(calls_), runs = std::shared_ptr(std::move(runs_)),
                        store = std::shared_ptr(std::move(store_))] {});
  calls_.clear();
}

void SupervisorProcess::SetObserve(bool observe) {
  const auto run = runs_->Find(kRunId);
  if (!run.ok()) {
    return;
  }
  v1::SetPolicyRequest request;
  request.set_run_id(kRunId);
  *request.mutable_policy() = options_.scenario.settings.policy();
  request.mutable_policy()->set_observe(observe);
  const auto response = (*run)->SetPolicy(request);
  if (response.ok()) {
    options_.checker.PolicyChanged(observe, response->from_step());
  }
}

void SupervisorProcess::StopActing(bool stop) {
  runs_->StopActing(stop);
  options_.checker.ActingStopped(stop);
}

void SupervisorProcess::EndRun() {
  if (const auto run = runs_->Find(kRunId); run.ok()) {
    (*run)->End();
    options_.checker.RunEnded();
  }
}

}  // namespace lehr::simulation

#include "server/relay/sidecar.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/field_error.h"
#include "server/join_check.h"

namespace lehr {
namespace {

// A Join grows by what names the rank when it is passed up, in a message of at most 16 MiB.
constexpr size_t kMaxJoinBytes = (size_t{16} << 20) - 64;

// A rank's seat in its job.
class RelayedRank final : public HostedRank {
 public:
  RelayedRank(std::shared_ptr<RelayedJob> job, uint64_t seat) : job_(std::move(job)), seat_(seat) {}

  void Report(const v1::Report& piece, absl::Time now) override { job_->Report(seat_, piece, now); }
  void Pause(const v1::Pause& pause, absl::Time now) override { job_->Pause(seat_, pause, now); }
  void Checkpointed(int64_t step) override { job_->Checkpointed(seat_, step); }
  void Leave(const v1::Leave& leave, absl::Time now) override { job_->Leave(seat_, leave, now); }
  void Disconnected(absl::Time now) override { job_->Disconnected(seat_, now); }

 private:
  const std::shared_ptr<RelayedJob> job_;
  const uint64_t seat_;
};

}  // namespace

Sidecar::Sidecar(SupervisorTarget upstream, Metrics& metrics)
    : upstream_(std::move(upstream)),
      metrics_(metrics),
      probe_(ConnectToSupervisor(upstream_)),
      clock_([this] { TickAll(); }) {
  probe_->GetState(/*try_to_connect=*/true);
}

Sidecar::~Sidecar() {
  for (const std::shared_ptr<RelayedJob>& job : AllJobs()) {
    job->Cancel();
  }
  absl::MutexLock lock(&mutex_, absl::Condition(this, &Sidecar::NothingRuns));
}

void Sidecar::Drain(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithDeadline(absl::Condition(this, &Sidecar::NothingRuns), deadline);
}

absl::StatusOr<std::unique_ptr<HostedRank>> Sidecar::Join(const v1::Join& join,
                                                          std::shared_ptr<RankSink> sink,
                                                          absl::Time) {
  if (absl::Status status = CheckJoin(join); !status.ok()) {
    return status;
  }
  if (const size_t bytes = join.ByteSizeLong(); bytes > kMaxJoinBytes) {
    return OutOfBounds("the number of bytes of a Join", bytes,
                       absl::StrCat("at most ", kMaxJoinBytes, " through a sidecar"));
  }
  if (stopping_) {
    return absl::UnavailableError("the sidecar is stopping");
  }
  absl::MutexLock lock(&mutex_);
  // Without an attempt, each Join opens a generation, and so is a job of its own.
  const std::string key =
      absl::StrCat(join.run_id(), "/",
                   join.job_attempt().empty()
                       ? absl::StrCat("/", jobs_started_)
                       : absl::StrCat(join.job_attempt().size(), "/", join.job_attempt()));
  std::shared_ptr<RelayedJob> job = jobs_[key];
  std::optional<uint64_t> seat = job == nullptr ? std::nullopt : job->Join(join, sink);
  if (!seat) {
    job = StartJob(key);
    seat = job->Join(join, std::move(sink));
  }
  return std::make_unique<RelayedRank>(std::move(job), *seat);
}

std::shared_ptr<RelayedJob> Sidecar::StartJob(const std::string& key) {
  ++jobs_started_;
  auto job = std::make_shared<RelayedJob>(RelayedJob::Options{
      .upstream = upstream_,
      .metrics = &metrics_,
      .wake_at = [this](absl::Time time) { clock_.WakeAt(time); },
      .on_over =
          [this](const RelayedJob* over, std::shared_ptr<grpc::Channel> connection) {
            JobIsOver(over, std::move(connection));
          }});
  jobs_[key] = job;
  running_.push_back(job);
  return job;
}

void Sidecar::JobIsOver(const RelayedJob* over, std::shared_ptr<grpc::Channel> connection) {
  const auto is_over = [&](const std::shared_ptr<RelayedJob>& job) { return job.get() == over; };
  absl::MutexLock lock(&mutex_);
  // Here, and not once the destructor may run.
  newest_ended_ = std::move(connection);
  std::erase_if(jobs_, [&](const auto& entry) { return is_over(entry.second); });
  std::erase_if(running_, is_over);
}

bool Sidecar::ready() const {
  return !stopping_ && probe_->GetState(/*try_to_connect=*/true) == GRPC_CHANNEL_READY;
}

void Sidecar::BeginShutdown() {
  stopping_ = true;
  for (const std::shared_ptr<RelayedJob>& job : AllJobs()) {
    job->CloseStreams(absl::UnavailableError("the sidecar is stopping"));
  }
}

void Sidecar::TickAll() {
  const absl::Time now = absl::Now();
  for (const std::shared_ptr<RelayedJob>& job : AllJobs()) {
    job->Tick(now);
  }
}

std::vector<std::shared_ptr<RelayedJob>> Sidecar::AllJobs() const {
  absl::MutexLock lock(&mutex_);
  return running_;
}

}  // namespace lehr

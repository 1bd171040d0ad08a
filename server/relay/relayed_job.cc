#include "server/relay/relayed_job.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/log.h"
#include "server/node_report.h"
#include "server/wire.h"

namespace lehr {
namespace {

// The node waits for its stragglers half as long as the supervisor does, so that the supervisor can
// still count a node that has waited in vain.
constexpr int kShareOfStragglerTimeout = 2;

}  // namespace

std::optional<uint64_t> RelayedJob::Join(const v1::Join& join, std::shared_ptr<RankSink> sink) {
  absl::MutexLock lock(&mutex_);
  if (over_) {
    return std::nullopt;
  }
  if (upstream_ == nullptr) {
    upstream_ = UpstreamStream::Start(options_.upstream, shared_from_this());
  }
  const uint64_t seat = ++last_seat_;
  const Member& member =
      members_
          .emplace(seat, Member{.rank = join.rank(),
                                .sink = std::move(sink),
                                .generation = join.generation(),
                                .highest_step = join.has_highest_step() ? join.highest_step() : -1})
          .first->second;
  v1::RelayRequest request = MessageOf(seat, member);
  *request.mutable_member()->mutable_join() = join;
  SendUp(std::move(request));
  return seat;
}

void RelayedJob::Report(uint64_t seat, const v1::Report& piece, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  Member* member = Find(seat);
  if (member == nullptr) {
    return;
  }
  options_.metrics->ReportReceived(piece.losses_size());
  if (!member->assembler) {
    Refuse(*member, piece.step(), v1::Refused::CODE_INVALID,
           absl::InvalidArgumentError(
               absl::StrCat("step ", piece.step(), " was reported before Welcome")));
    return;
  }
  if (!IsCurrent(seat, *member)) {
    return;
  }
  absl::StatusOr<std::optional<StepReport>> report = member->assembler->Add(piece);
  if (!report.ok()) {
    options_.metrics->ReportRefused(v1::Refused::CODE_INVALID);
    Refuse(*member, piece.step(), v1::Refused::CODE_INVALID, report.status());
    return;
  }
  if (piece.has_outcome()) {
    member->outcome = piece.outcome();
  }
  if (!*report) {
    return;
  }
  v1::MemberReport words = MemberReportOf(member->rank, **report);
  if (member->outcome) {
    *words.mutable_outcome() = *std::move(member->outcome);
    member->outcome.reset();
  }
  std::vector<v1::NodeReport> alone;
  if (members_.size() > 1) {
    alone = ToPieces({.members = {words}, .sum = **report});
  }
  absl::StatusOr<NodeBarrier::Steps> steps =
      barrier_->Report(std::move(words), **std::move(report), now);
  if (!steps.ok()) {
    options_.metrics->ConflictSeen();
    options_.metrics->ReportRefused(v1::Refused::CODE_CONFLICT);
    Refuse(*member, piece.step(), v1::Refused::CODE_CONFLICT, steps.status());
    return;
  }
  if (!alone.empty()) {
    undecided_.Keep(member->rank, piece.step(), std::move(alone));
  }
  SendUp(*steps);
  ScheduleTick();
}

void RelayedJob::Pause(uint64_t seat, const v1::Pause& pause, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const Member* member = Find(seat);
  if (member == nullptr) {
    return;
  }
  if (IsCurrent(seat, *member)) {
    barrier_->Pause(member->rank, now + DurationFromProto(pause.at_most()));
  }
  v1::RelayRequest request = MessageOf(seat, *member);
  *request.mutable_member()->mutable_pause() = pause;
  SendUp(std::move(request));
}

void RelayedJob::Checkpointed(uint64_t seat, int64_t step) {
  absl::MutexLock lock(&mutex_);
  if (const Member* member = Find(seat); member != nullptr) {
    v1::RelayRequest request = MessageOf(seat, *member);
    request.mutable_member()->mutable_checkpointed()->set_step(step);
    SendUp(std::move(request));
  }
}

void RelayedJob::Leave(uint64_t seat, const v1::Leave& leave, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const Member* member = Find(seat);
  if (member == nullptr) {
    return;
  }
  GiveUpSeat(seat, *member, now);
  v1::RelayRequest request = MessageOf(seat, *member);
  *request.mutable_member()->mutable_leave() = leave;
  SendUp(std::move(request));
}

void RelayedJob::Disconnected(uint64_t seat, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  const Member* member = Find(seat);
  if (member == nullptr) {
    return;
  }
  GiveUpSeat(seat, *member, now);
  v1::RelayRequest request = MessageOf(seat, *member);
  request.mutable_member()->mutable_lost();
  SendUp(std::move(request));
  members_.erase(seat);
  if (members_.empty() && upstream_ != nullptr) {
    over_ = true;
    upstream_->HalfClose();
  }
}

void RelayedJob::Tick(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (barrier_) {
    SendUp(barrier_->Tick(now));
  }
  ScheduleTick();
}

void RelayedJob::CloseStreams(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  if (barrier_) {
    SendUp(barrier_->Flush());
  }
  for (const auto& [seat, member] : members_) {
    member.sink->Close(status);
  }
}

void RelayedJob::Cancel() {
  absl::MutexLock lock(&mutex_);
  if (upstream_ != nullptr) {
    upstream_->Cancel();
  }
}

void RelayedJob::Received(v1::RelayResponse& response) {
  absl::MutexLock lock(&mutex_);
  if (response.has_decision()) {
    TakeDecision(response.decision());
    return;
  }
  v1::MemberResponse& told = *response.mutable_member();
  Member* member = Find(told.seat());
  if (member == nullptr) {
    return;
  }
  switch (told.message_case()) {
    case v1::MemberResponse::kWelcome:
      TakeWelcome(told.seat(), *member, *told.mutable_welcome());
      break;
    case v1::MemberResponse::kRefused:
      TakeRefused(*member, *told.mutable_refused());
      break;
    case v1::MemberResponse::kEnd:
      GiveUpSeat(told.seat(), *member, absl::Now());
      member->sink->Close(
          absl::Status(static_cast<absl::StatusCode>(told.end().code()), told.end().message()));
      break;
    case v1::MemberResponse::MESSAGE_NOT_SET:
      // A newer supervisor says something that this sidecar does not know.
      break;
  }
}

void RelayedJob::TakeWelcome(uint64_t seat, Member& member, v1::Welcome& welcome) {
  if (!barrier_) {
    barrier_.emplace(DurationFromProto(welcome.settings().straggler_timeout()) /
                     kShareOfStragglerTimeout);
  }
  member.assembler.emplace(welcome.settings().loss_offset(),
                           welcome.settings().scope() == v1::LOSS_SCOPE_DATASET
                               ? LossScope::kDataset
                               : LossScope::kBatch);
  seat_of_rank_[member.rank] = seat;
  // What it has reported in another generation does not count in this one.
  barrier_->Connect(member.rank,
                    member.generation == welcome.generation() ? member.highest_step : -1);
  v1::SuperviseResponse response;
  *response.mutable_welcome() = std::move(welcome);
  member.sink->Send(std::move(response));
}

void RelayedJob::TakeRefused(const Member& member, v1::Refused& refused) {
  std::vector<v1::NodeReport> alone;
  if (refused.code() != v1::Refused::CODE_RUN_ENDED) {
    alone = undecided_.TakeRefused(member.rank, refused.step());
  }
  if (alone.empty()) {
    v1::SuperviseResponse response;
    *response.mutable_refused() = std::move(refused);
    member.sink->Send(std::move(response));
    return;
  }
  // Another rank of the sum may be the reason.
  SendUp(std::move(alone));
}

void RelayedJob::TakeDecision(const v1::NodeDecision& decision) {
  undecided_.Decided(decision.decision().step());
  for (const uint32_t rank : decision.ranks()) {
    const auto seat = seat_of_rank_.find(rank);
    if (seat == seat_of_rank_.end()) {
      continue;
    }
    v1::SuperviseResponse response;
    *response.mutable_decision() = decision.decision();
    members_.at(seat->second).sink->Send(std::move(response));
  }
}

void RelayedJob::Ended(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  upstream_ = nullptr;
  over_ = true;
  const absl::Status told = absl::UnavailableError(
      absl::StrCat("the supervisor at ", options_.upstream.address, ": ",
                   status.message().empty() ? "the stream ended" : status.message()));
  if (!members_.empty()) {
    LogWarning("lost the supervisor", {{"upstream", options_.upstream.address},
                                       {"ranks", members_.size()},
                                       {"why", status.ToString()}});
  }
  for (const auto& [seat, member] : members_) {
    member.sink->Close(told);
  }
  members_.clear();
  seat_of_rank_.clear();
  barrier_.reset();
}

// Not before the stream has let go of gRPC: whoever waits for the job may end the process.
void RelayedJob::Gone(std::shared_ptr<grpc::Channel> connection) {
  options_.on_over(this, std::move(connection));
}

RelayedJob::Member* RelayedJob::Find(uint64_t seat) {
  const auto found = members_.find(seat);
  return found == members_.end() ? nullptr : &found->second;
}

// Not where another stream of the rank has taken over.
bool RelayedJob::IsCurrent(uint64_t seat, const Member& member) const {
  const auto found = seat_of_rank_.find(member.rank);
  return found != seat_of_rank_.end() && found->second == seat;
}

// Before anything says that the rank is gone, what it has reported is passed up.
void RelayedJob::GiveUpSeat(uint64_t seat, const Member& member, absl::Time now) {
  if (IsCurrent(seat, member)) {
    SendUp(barrier_->Disconnect(member.rank, now));
    seat_of_rank_.erase(member.rank);
    ScheduleTick();
  }
}

void RelayedJob::Refuse(const Member& member, int64_t step, v1::Refused::Code code,
                        const absl::Status& why) {
  v1::SuperviseResponse response;
  response.mutable_refused()->set_step(step);
  response.mutable_refused()->set_code(code);
  response.mutable_refused()->set_message(std::string(why.message()));
  member.sink->Send(std::move(response));
}

v1::RelayRequest RelayedJob::MessageOf(uint64_t seat, const Member& member) const {
  v1::RelayRequest request;
  request.mutable_member()->set_rank(member.rank);
  request.mutable_member()->set_seat(seat);
  return request;
}

void RelayedJob::SendUp(v1::RelayRequest request) {
  if (upstream_ != nullptr && !upstream_->Send(std::move(request))) {
    LogWarning("the supervisor reads too slowly: its stream is given up",
               {{"upstream", options_.upstream.address}});
  }
}

void RelayedJob::SendUp(const NodeBarrier::Steps& steps) {
  for (const NodeStep& step : steps) {
    options_.metrics->NodeReport(step.members.size());
    if (step.members.size() > 1) {
      for (const v1::MemberReport& member : step.members) {
        undecided_.SentInSum(member.rank(), step.sum.step);
      }
    }
    SendUp(ToPieces(step));
  }
}

void RelayedJob::SendUp(std::vector<v1::NodeReport> pieces) {
  for (v1::NodeReport& piece : pieces) {
    v1::RelayRequest request;
    *request.mutable_report() = std::move(piece);
    SendUp(std::move(request));
  }
}

void RelayedJob::ScheduleTick() {
  if (!barrier_) {
    return;
  }
  if (const absl::Time next = barrier_->NextDeadline(); next < absl::InfiniteFuture()) {
    options_.wake_at(next);
  }
}

}  // namespace lehr

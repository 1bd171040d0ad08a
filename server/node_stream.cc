#include "server/node_stream.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/field_error.h"
#include "server/node_report.h"
#include "server/outbox_writer.h"
#include "server/rank_message_check.h"
#include "server/report_assembler.h"

namespace lehr {
namespace {

// A message that held a big report keeps its memory: beyond this, it is replaced.
constexpr int kKeptLosses = 16384;

// A node's ranks may all be told something at once, each on its own.
constexpr size_t kNodeOutboxCapacity = size_t{4} * kMaxNodeRanks;

v1::RelayResponse EndOf(uint32_t rank, uint64_t seat, const absl::Status& status) {
  v1::RelayResponse response;
  v1::MemberResponse& member = *response.mutable_member();
  member.set_rank(rank);
  member.set_seat(seat);
  member.mutable_end()->set_code(static_cast<uint32_t>(status.code()));
  member.mutable_end()->set_message(std::string(status.message()));
  return response;
}

// The way to one rank behind the sidecar.
class MemberSink final : public RankSink {
 public:
  MemberSink(std::shared_ptr<NodeOutbox> node, uint32_t rank, uint64_t seat)
      : node_(std::move(node)), rank_(rank), seat_(seat) {}

  void Send(v1::SuperviseResponse response) override {
    v1::RelayResponse relayed;
    v1::MemberResponse& member = *relayed.mutable_member();
    member.set_rank(rank_);
    member.set_seat(seat_);
    if (response.has_welcome()) {
      *member.mutable_welcome() = std::move(*response.mutable_welcome());
    } else {
      *member.mutable_refused() = std::move(*response.mutable_refused());
    }
    node_->Send(std::move(relayed));
  }

  void Close(absl::Status status) override { node_->Send(EndOf(rank_, seat_, status)); }

  NodeOutbox* node() override { return node_.get(); }

 private:
  const std::shared_ptr<NodeOutbox> node_;
  const uint32_t rank_;
  const uint64_t seat_;
};

class NodeStream final : public grpc::ServerBidiReactor<v1::RelayRequest, v1::RelayResponse> {
 public:
  NodeStream(RunTable& runs, Metrics& metrics, StreamLimit& limit)
      : runs_(runs),
        metrics_(metrics),
        limit_(limit),
        outbox_(std::make_shared<NodeOutbox>(OutboxOverflow::kClose, kNodeOutboxCapacity)),
        writer_(*this, *outbox_) {
    metrics_.StreamOpened();
    outbox_->OnChange([this] { writer_.Write(); });
    if (absl::Status status = limit_.Enter(); !status.ok()) {
      outbox_->Close(std::move(status));
    }
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      // Half-closed, broken, or malformed: gRPC does not tell which.
      outbox_->Close(members_.empty()
                         ? absl::OkStatus()
                         : absl::InvalidArgumentError(absl::StrCat(
                               "the stream ended with ", members_.size(), " ranks on it")));
      return;
    }
    if (absl::Status status = Handle(request_, absl::Now()); !status.ok()) {
      outbox_->Close(std::move(status));
      return;
    }
    if (request_.report().losses_size() > kKeptLosses) {
      request_ = v1::RelayRequest();
    }
    StartRead(&request_);
  }

  void OnWriteDone(bool ok) override { writer_.WriteDone(ok); }

  void OnCancel() override { outbox_->Close(absl::CancelledError("the sidecar is gone")); }

  void OnDone() override {
    outbox_->OnChange(nullptr);
    const absl::Time now = absl::Now();
    for (const auto& [rank, member] : members_) {
      member.place.run->Disconnected(member.place.seat, now);
      limit_.Leave();
    }
    metrics_.StreamClosed();
    limit_.Leave();
    delete this;
  }

 private:
  struct Member {
    // The sidecar's number for it.
    uint64_t seat;
    RankSeat place;
  };

  // An error is a fault of protocol: it ends the stream.
  absl::Status Handle(const v1::RelayRequest& request, absl::Time now) {
    switch (request.message_case()) {
      case v1::RelayRequest::kMember:
        HandleMember(request.member(), now);
        return absl::OkStatus();
      case v1::RelayRequest::kReport:
        return HandleReport(request.report(), now);
      case v1::RelayRequest::MESSAGE_NOT_SET:
        break;
    }
    return absl::InvalidArgumentError("a message holds none of the kinds that are known");
  }

  // A fault of a rank ends its own stream only.
  void HandleMember(const v1::MemberRequest& request, absl::Time now) {
    if (request.has_join()) {
      if (absl::Status status = HandleJoin(request, now); !status.ok()) {
        outbox_->Send(EndOf(request.rank(), request.seat(), status));
      }
      return;
    }
    const auto found = members_.find(request.rank());
    if (found == members_.end() || found->second.seat != request.seat()) {
      // Of a stream that another one has replaced, or that was refused.
      return;
    }
    if (request.has_lost()) {
      Drop(found, now);
    } else if (absl::Status status = HandleSeated(request, found->second.place, now);
               !status.ok()) {
      outbox_->Send(EndOf(request.rank(), request.seat(), status));
      Drop(found, now);
    }
  }

  static absl::Status HandleSeated(const v1::MemberRequest& request, const RankSeat& place,
                                   absl::Time now) {
    switch (request.message_case()) {
      case v1::MemberRequest::kPause:
        if (absl::Status status = CheckPause(request.pause()); !status.ok()) {
          return status;
        }
        place.run->Pause(place.seat, request.pause(), now);
        return absl::OkStatus();
      case v1::MemberRequest::kCheckpointed:
        place.run->Checkpointed(place.seat, request.checkpointed().step());
        return absl::OkStatus();
      case v1::MemberRequest::kLeave:
        if (absl::Status status = CheckLeave(request.leave()); !status.ok()) {
          return status;
        }
        if (request.leave().has_outcome()) {
          place.run->Outcome(place.seat, request.leave().outcome());
        }
        place.run->Leave(place.seat, request.leave().completed(), now);
        return absl::OkStatus();
      default:
        return absl::InvalidArgumentError(absl::StrCat("a message of rank ", request.rank(),
                                                       " holds none of the kinds that are known"));
    }
  }

  void Drop(std::map<uint32_t, Member>::iterator member, absl::Time now) {
    member->second.place.run->Disconnected(member->second.place.seat, now);
    members_.erase(member);
    limit_.Leave();
  }

  // An error is the joining rank's.
  absl::Status HandleJoin(const v1::MemberRequest& request, absl::Time now) {
    const v1::Join& join = request.join();
    if (absl::Status status = CheckJoinFits(request); !status.ok()) {
      return status;
    }
    if (absl::Status status = limit_.Enter(); !status.ok()) {
      limit_.Leave();
      return status;
    }
    absl::StatusOr<RankSeat> place = runs_.Join(
        join, std::make_shared<MemberSink>(outbox_, request.rank(), request.seat()), now);
    if (!place.ok()) {
      limit_.Leave();
      return place.status();
    }
    if (members_.empty()) {
      run_id_ = join.run_id();
      job_attempt_ = join.job_attempt();
    }
    const auto [position, is_new] = members_.insert_or_assign(
        request.rank(), Member{.seat = request.seat(), .place = *std::move(place)});
    if (!is_new) {
      limit_.Leave();
    }
    return absl::OkStatus();
  }

  absl::Status CheckJoinFits(const v1::MemberRequest& request) const {
    const v1::Join& join = request.join();
    if (join.rank() != request.rank()) {
      return OutOfBounds("the rank of a Join", join.rank(),
                         absl::StrCat("that of its message, ", request.rank()));
    }
    if (members_.empty()) {
      return absl::OkStatus();
    }
    if (members_.size() >= kMaxNodeRanks) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "this sidecar has ", members_.size(), " ranks in the job, the most that one may have"));
    }
    if (join.run_id() != run_id_) {
      return OutOfBounds("run_id", Quoted(join.run_id()),
                         absl::StrCat("that of the stream, ", Quoted(run_id_)));
    }
    // Without an attempt, each Join opens a generation of its own.
    if (join.job_attempt() != job_attempt_ || job_attempt_.empty()) {
      return OutOfBounds("job_attempt", Quoted(join.job_attempt()),
                         absl::StrCat("that of the stream, ", Quoted(job_attempt_)));
    }
    return absl::OkStatus();
  }

  absl::Status HandleReport(const v1::NodeReport& report, absl::Time now) {
    absl::StatusOr<std::optional<StepReport>> sum = assembler_.Add(report, Scope());
    absl::Status status = sum.ok() ? CheckSeated(report) : sum.status();
    if (!status.ok()) {
      return Refuse(report, status);
    }
    if (!sum->has_value()) {
      return absl::OkStatus();
    }
    metrics_.NodeReport(report.members_size());
    metrics_.ReportReceived(LossesReported((*sum)->losses) + (*sum)->examples.size());
    for (const v1::MemberReport& member : report.members()) {
      if (member.has_outcome()) {
        const RankSeat& place = members_.at(member.rank()).place;
        place.run->Outcome(place.seat, member.outcome());
      }
    }
    const RankSeat& first = members_.at(report.members(0).rank()).place;
    first.run->ReportTogether(first.seat.generation, outbox_.get(), ReportingRanks(report),
                              **std::move(sum), now);
    return absl::OkStatus();
  }

  // That of the generation, which is one for all ranks of a stream.
  LossScope Scope() const {
    return members_.empty() ? LossScope::kBatch : members_.begin()->second.place.seat.scope;
  }

  absl::Status CheckSeated(const v1::NodeReport& report) const {
    for (const v1::MemberReport& member : report.members()) {
      if (members_.count(member.rank()) == 0) {
        return absl::InvalidArgumentError(absl::StrCat("step ", report.step(), " comes with rank ",
                                                       member.rank(),
                                                       ", which has not joined on this stream"));
      }
    }
    return absl::OkStatus();
  }

  // Tells each rank that it names; nothing of it counts.
  absl::Status Refuse(const v1::NodeReport& report, const absl::Status& why) {
    metrics_.ReportRefused(v1::Refused::CODE_INVALID);
    bool told = false;
    for (const v1::MemberReport& member : report.members()) {
      const auto found = members_.find(member.rank());
      if (found == members_.end()) {
        continue;
      }
      v1::SuperviseResponse response;
      response.mutable_refused()->set_step(report.step());
      response.mutable_refused()->set_code(v1::Refused::CODE_INVALID);
      response.mutable_refused()->set_message(std::string(why.message()));
      found->second.place.seat.outbox->Send(std::move(response));
      told = true;
    }
    return told ? absl::OkStatus() : why;
  }

  RunTable& runs_;
  Metrics& metrics_;
  StreamLimit& limit_;
  const std::shared_ptr<NodeOutbox> outbox_;
  OutboxWriter<NodeStream, v1::RelayResponse> writer_;

  // Of the reading side: gRPC has one read in flight.
  v1::RelayRequest request_;
  std::map<uint32_t, Member> members_;
  std::string run_id_;
  std::string job_attempt_;
  NodeReportAssembler assembler_;
};

}  // namespace

grpc::ServerBidiReactor<v1::RelayRequest, v1::RelayResponse>* StartNodeStream(RunTable& runs,
                                                                              Metrics& metrics,
                                                                              StreamLimit& limit) {
  return new NodeStream(runs, metrics, limit);
}

}  // namespace lehr

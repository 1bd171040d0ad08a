#include "client/outgoing.h"

#include <utility>

#include "client/wire.h"

namespace lehr {

bool Outgoing::Push(v1::SuperviseRequest request) {
  if (waiting_.size() >= kMaxOutgoing) {
    return false;
  }
  waiting_.emplace_back(std::move(request));
  return true;
}

bool Outgoing::Push(std::shared_ptr<const RankReport> report) {
  if (waiting_.size() >= kMaxOutgoing) {
    return false;
  }
  waiting_.emplace_back(std::move(report));
  return true;
}

const v1::SuperviseRequest& Outgoing::Take() {
  if (auto* request = std::get_if<v1::SuperviseRequest>(&waiting_.front())) {
    request_ = std::move(*request);
    waiting_.pop_front();
    return request_;
  }
  const RankReport& report = *std::get<std::shared_ptr<const RankReport>>(waiting_.front());
  next_loss_ = FillPiece(report, next_loss_, *piece_.mutable_report());
  if (next_loss_ >= report.losses.size()) {
    next_loss_ = 0;
    waiting_.pop_front();
  }
  return piece_;
}

void Outgoing::Clear() {
  waiting_.clear();
  next_loss_ = 0;
}

}  // namespace lehr

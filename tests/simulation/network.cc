#include "tests/simulation/network.h"

#include <algorithm>
#include <variant>

namespace lehr::simulation {
namespace {

// How long an end may take a dead stream for a live one: the time of two keepalive pings.
constexpr absl::Duration kLongestHalfOpen = absl::Seconds(40);

}  // namespace

void Stream::EndRank(const absl::Status& status) {
  rank_open_ = false;
  std::exchange(rank_, {}).ended(status);
}

// An end may be within a call of its own.
template <typename End>
void Stream::Forget(End& end) {
  queue_.After(absl::ZeroDuration(), [self = shared_from_this(), &end] { end = {}; });
}

void Stream::Send(v1::SuperviseRequest request) { Post(Up(std::move(request))); }
void Stream::HalfClose() { Post(Up()); }
void Stream::Send(v1::SuperviseResponse response) { Post(Down(std::move(response))); }
void Stream::Finish(const absl::Status& status) {
  Post(Down(status));
  supervisor_open_ = false;
  Forget(supervisor_);
}

void Stream::Post(Up message) {
  if (up_broken_ || !rank_open_) {
    return;
  }
  up_.push_back(std::move(message));
  last_up_ = std::max(last_up_, queue_.now() + random_.Between(link_.latency / 2, link_.latency));
  queue_.At(last_up_, [self = shared_from_this()] { self->DeliverUp(); });
}

void Stream::Post(Down message) {
  if (down_broken_ || !supervisor_open_) {
    return;
  }
  down_.push_back(std::move(message));
  last_down_ =
      std::max(last_down_, queue_.now() + random_.Between(link_.latency / 2, link_.latency));
  queue_.At(last_down_, [self = shared_from_this()] { self->DeliverDown(); });
}

void Stream::DeliverUp() {
  if (queue_.now() < link_.up_blocked_until) {
    queue_.At(link_.up_blocked_until, [self = shared_from_this()] { self->DeliverUp(); });
    return;
  }
  if (up_.empty()) {
    return;
  }
  const Up message = std::move(up_.front());
  up_.pop_front();
  if (!supervisor_open_ || !supervisor_.received) {
    return;
  }
  if (message) {
    supervisor_.received(*message);
  } else {
    supervisor_.half_closed();
  }
}

void Stream::DeliverDown() {
  if (queue_.now() < link_.down_blocked_until) {
    queue_.At(link_.down_blocked_until, [self = shared_from_this()] { self->DeliverDown(); });
    return;
  }
  if (down_.empty()) {
    return;
  }
  Down message = std::move(down_.front());
  down_.pop_front();
  if (!rank_open_) {
    return;
  }
  if (auto* response = std::get_if<v1::SuperviseResponse>(&message)) {
    rank_.received(*response);
  } else {
    EndRank(std::get<absl::Status>(message));
  }
}

template <typename Queue>
void Stream::LoseSome(Queue& queue) {
  queue.resize(static_cast<size_t>(random_.Between(0, static_cast<int64_t>(queue.size()))));
}

void Stream::TellRank(const absl::Status& status, absl::Duration within) {
  queue_.After(random_.Between(absl::ZeroDuration(), within), [self = shared_from_this(), status] {
    if (self->rank_open_) {
      self->EndRank(status);
    }
  });
}

void Stream::TellSupervisor(absl::Duration within) {
  queue_.After(random_.Between(absl::ZeroDuration(), within), [self = shared_from_this()] {
    if (std::exchange(self->supervisor_open_, false) && self->supervisor_.broken) {
      std::exchange(self->supervisor_, {}).broken();
    }
  });
}

void Stream::Cancel() {
  if (std::exchange(rank_open_, false)) {
    up_broken_ = true;
    TellSupervisor(random_.Chance(0.8) ? 4 * link_.latency : kLongestHalfOpen);
    queue_.After(absl::ZeroDuration(),
                 [self = shared_from_this()] { self->EndRank(absl::CancelledError("cancelled")); });
  }
}

void Stream::Refuse() {
  if (rank_open_) {
    EndRank(absl::UnavailableError("connection refused"));
  }
}

void Stream::RankDies(bool with_its_machine) {
  if (std::exchange(rank_open_, false)) {
    up_broken_ = true;
    Forget(rank_);
    TellSupervisor(with_its_machine ? kLongestHalfOpen : 4 * link_.latency);
  }
}

void Stream::SupervisorDies(bool with_its_machine) {
  if (std::exchange(supervisor_open_, false)) {
    down_broken_ = true;
    LoseSome(down_);
    Forget(supervisor_);
    TellRank(absl::UnavailableError("connection reset"),
             with_its_machine ? kLongestHalfOpen : 4 * link_.latency);
  }
}

void Stream::Break() {
  up_broken_ = true;
  down_broken_ = true;
  LoseSome(up_);
  LoseSome(down_);
  const bool rank_is_slow = random_.Chance(0.2);
  const bool supervisor_is_slow = random_.Chance(0.5);
  TellRank(absl::UnavailableError("connection reset"),
           rank_is_slow ? kLongestHalfOpen : 4 * link_.latency);
  TellSupervisor(supervisor_is_slow ? kLongestHalfOpen : 4 * link_.latency);
}

}  // namespace lehr::simulation

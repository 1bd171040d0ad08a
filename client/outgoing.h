// What waits to be written to the supervisor, in order. A report goes out in pieces, made one at a
// time into one reused message, so that a step of 2^24 losses needs no second copy of them.
//
// Not thread-safe.
#ifndef LEHR_CLIENT_OUTGOING_H_
#define LEHR_CLIENT_OUTGOING_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <variant>

#include "client/core/session.h"
#include "lehr/v1/supervisor.pb.h"

namespace lehr {

// Messages that may wait. A rank has at most a few reports unanswered.
inline constexpr size_t kMaxOutgoing = 256;

class Outgoing {
 public:
  // False: kMaxOutgoing are waiting.
  bool Push(v1::SuperviseRequest request);
  bool Push(std::shared_ptr<const RankReport> report);

  bool empty() const { return waiting_.empty(); }
  // The next message to write, valid until the next Take. Not if empty().
  const v1::SuperviseRequest& Take();

  void Clear();

 private:
  using Waiting = std::variant<v1::SuperviseRequest, std::shared_ptr<const RankReport>>;

  std::deque<Waiting> waiting_;
  // Of the report at the front: the first loss that is not written.
  size_t next_loss_ = 0;
  v1::SuperviseRequest request_;
  v1::SuperviseRequest piece_;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_OUTGOING_H_

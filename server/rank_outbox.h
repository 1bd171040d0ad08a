// What waits to be written to ranks and watchers, and the way to one rank: a stream of its own, or
// that of its node's sidecar.
#ifndef LEHR_SERVER_RANK_OUTBOX_H_
#define LEHR_SERVER_RANK_OUTBOX_H_

#include <utility>

#include "lehr/v1/runs.pb.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/outbox.h"

namespace lehr {

using WatchOutbox = Outbox<v1::WatchRunResponse>;
// To a sidecar.
using NodeOutbox = Outbox<v1::RelayResponse>;

// The way to one rank. Thread-safe; no call waits.
class RankSink {
 public:
  virtual ~RankSink() = default;

  virtual void Send(v1::SuperviseResponse response) = 0;
  // The rank's stream ends with `status` once everything before is written.
  virtual void Close(absl::Status status) = 0;
  // Where the rank shares a stream with others of its node, that stream: decisions go there, as one
  // NodeDecision for several ranks. Null: the rank has a stream of its own.
  virtual NodeOutbox* node() { return nullptr; }
};

// Of a rank with a stream of its own.
class RankOutbox final : public RankSink, public Outbox<v1::SuperviseResponse> {
 public:
  using Outbox::Outbox;

  void Send(v1::SuperviseResponse response) override { Outbox::Send(std::move(response)); }
  void Close(absl::Status status) override { Outbox::Close(std::move(status)); }
};

}  // namespace lehr

#endif  // LEHR_SERVER_RANK_OUTBOX_H_

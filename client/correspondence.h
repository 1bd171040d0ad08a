// What a rank and its supervisor write each other: the session (client/core/session.h) in the
// contract's messages, over one stream after another.
//
//   Correspondence letters(options, log);
//   for (;;) {                                             // one stream
//     letters.Begin();
//     ... write what outgoing() holds; Take what comes; cancel the stream once it is unwanted() ...
//     letters.End(status);
//     if (letters.over()) break;
//     ... wait for letters.ReconnectDelay() ...
//   }
//
// No I/O and no clock: `now` is an argument. Not thread-safe.
#ifndef LEHR_CLIENT_CORRESPONDENCE_H_
#define LEHR_CLIENT_CORRESPONDENCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/command.h"
#include "client/core/reconnect_backoff.h"
#include "client/core/session.h"
#include "client/event_log.h"
#include "client/outgoing.h"
#include "lehr/v1/supervisor.pb.h"

namespace lehr {

class Correspondence {
 public:
  struct Options {
    // HOST:PORT, for the log.
    std::string supervisor;
    // All but the session's part.
    v1::Join join;
    // Greatest waits of a report, see Session::Options.
    absl::Duration connect_timeout;
    absl::Duration decision_timeout;
    // See ReconnectBackoff.
    uint64_t backoff_seed = 0;
  };

  // `log` must outlive it.
  Correspondence(Options options, EventLog& log);

  // ---- What the stream does.

  // It is there: the Join is the first message of outgoing(). Not while over().
  void Begin();
  void Take(v1::SuperviseResponse& response, absl::Time now);
  void End(const absl::Status& status);
  // What to write, in order. Empty without a stream.
  Outgoing& outgoing() { return outgoing_; }
  // The Leave is written or in outgoing(): half-close after it.
  bool leaves() const { return leaves_; }
  // The stream is to be cancelled.
  bool unwanted() const { return unwanted_; }
  // No other stream is to follow.
  bool over() const { return over_ || session_.state() == Session::State::kClosed; }
  absl::Duration ReconnectDelay() { return backoff_.Next(); }

  // ---- What the trainer does. See Session.

  void Report(RankReport report, absl::Time now);
  bool Waiting(absl::Time now) const { return session_.Waiting(now); }
  absl::Time wait_deadline() const { return session_.wait_deadline(); }
  void GiveUp(absl::Time now);
  void Pause(DeclaredPause pause, absl::Time now);
  void Checkpointed(int64_t step, absl::Time now);
  // Says good-bye, if there is somebody to hear it: true. Nothing is sent from then on, and no
  // other stream follows.
  bool Leave(bool completed);
  void Close();

  Session& session() { return session_; }
  const Session& session() const { return session_; }
  // The newest that came since the last call.
  std::optional<v1::Decision> TakeNewestDecision();
  // As the opener of the generation declared them.
  const std::shared_ptr<const DeclaredTensors>& declared_tensors() const {
    return declared_tensors_;
  }

 private:
  void TakeWelcome(const v1::Welcome& welcome, absl::Time now);
  void TakeDecision(v1::Decision& decision, absl::Time now);
  void TakeRefused(const v1::Refused& refused);
  template <typename Message>
  void Send(Message message);
  void SendDeclared(absl::Time now);

  const Options options_;
  EventLog& log_;
  Session session_;
  ReconnectBackoff backoff_;
  std::optional<v1::Decision> newest_decision_;
  std::shared_ptr<const DeclaredTensors> declared_tensors_;
  Outgoing outgoing_;
  bool streaming_ = false;
  bool leaves_ = false;
  bool unwanted_ = false;
  bool over_ = false;
  // The newest, for the log.
  int64_t reported_step_ = -1;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CORRESPONDENCE_H_

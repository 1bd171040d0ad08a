// The network between ranks and supervisor, as gRPC shows it: streams, within which messages arrive
// in order and once, and which break at any point. A broken stream loses what is under way; its two
// ends learn of it at different times, and one end may go on for long with a stream whose other end
// has a new one already (half-open). A partition holds messages back, in one direction or both.
//
// Everything happens in events of the queue, so that nothing is called back from within a call.
#ifndef LEHR_TESTS_SIMULATION_NETWORK_H_
#define LEHR_TESTS_SIMULATION_NETWORK_H_

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lehr/v1/supervisor.pb.h"
#include "tests/simulation/event_queue.h"
#include "tests/simulation/random.h"

namespace lehr::simulation {

// The line of one rank.
struct Link {
  absl::Duration latency;
  // Nothing gets through before these times.
  absl::Time up_blocked_until = absl::InfinitePast();
  absl::Time down_blocked_until = absl::InfinitePast();
};

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(EventQueue& queue, Random& random, Link& link)
      : queue_(queue), random_(random), link_(link) {}

  // What one end is told. Nothing after `ended`.
  struct RankEnd {
    std::function<void(v1::SuperviseResponse&)> received;
    std::function<void(const absl::Status&)> ended;
  };
  struct SupervisorEnd {
    std::function<void(const v1::SuperviseRequest&)> received;
    std::function<void()> half_closed;
    // Broken, or cancelled by the rank.
    std::function<void()> broken;
  };
  void Attach(RankEnd end) { rank_ = std::move(end); }
  void Attach(SupervisorEnd end) { supervisor_ = std::move(end); }

  // ---- The rank's end.
  void Send(v1::SuperviseRequest request);
  void HalfClose();
  void Cancel();
  // The process is gone, or its machine is: then the other end learns of it late.
  void RankDies(bool with_its_machine);

  // Nobody takes the stream.
  void Refuse();

  // ---- The supervisor's end.
  void Send(v1::SuperviseResponse response);
  void Finish(const absl::Status& status);
  void SupervisorDies(bool with_its_machine);

  // ---- In between.
  void Break();
  bool over() const { return !rank_open_ && !supervisor_open_; }

 private:
  // Empty: the half-close.
  using Up = std::optional<v1::SuperviseRequest>;
  using Down = std::variant<v1::SuperviseResponse, absl::Status>;

  void Post(Up message);
  void Post(Down message);
  void DeliverUp();
  void DeliverDown();
  void EndRank(const absl::Status& status);
  template <typename End>
  void Forget(End& end);
  void TellRank(const absl::Status& status, absl::Duration within);
  void TellSupervisor(absl::Duration within);
  // Loses some of what is under way, the newest first.
  template <typename Queue>
  void LoseSome(Queue& queue);

  EventQueue& queue_;
  Random& random_;
  Link& link_;
  RankEnd rank_;
  SupervisorEnd supervisor_;
  // An end is open until it is told of the stream's end.
  bool rank_open_ = true;
  bool supervisor_open_ = true;
  // Nothing more gets through.
  bool up_broken_ = false;
  bool down_broken_ = false;
  std::deque<Up> up_;
  std::deque<Down> down_;
  absl::Time last_up_ = absl::InfinitePast();
  absl::Time last_down_ = absl::InfinitePast();
};

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_NETWORK_H_

// What lehrd counts and measures, for Prometheus: names begin with lehr_, units are seconds, bytes
// and plain counts. Each method is something that happened.
//
// The series that name a run (lehr_run_*) are kept for the runs whose ranks connected last, at most
// as many as the constructor allows, so that no number of runs makes the scrape grow. A run that
// ends gives its place back.
//
// Thread-safe. No method blocks on anything but short locks, Serialize reads /proc.
//
//   Metrics metrics(/*max_run_series=*/200);
//   metrics.ReportReceived(/*losses=*/128);
//   Reply(metrics.Serialize());
#ifndef LEHR_SERVER_METRICS_H_
#define LEHR_SERVER_METRICS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "lehr/v1/decision.pb.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/run_series.h"

namespace lehr {

class Metrics {
 public:
  // Runs that have series of their own at a time.
  explicit Metrics(int max_run_series);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void StreamOpened();
  void StreamClosed();

  // One message: a report or a piece of one.
  void ReportReceived(std::uint64_t losses);
  // One message that counts for `ranks` ranks of a node, sent by a sidecar or received from one.
  void NodeReport(std::uint32_t ranks);
  void ReportRefused(v1::Refused::Code code);
  // A report had the key of an earlier one and other losses.
  void ConflictSeen();
  // The parameter digest of a report differs from that of a replica.
  void ReplicasDiffer(std::string_view run_id, const RunStatus& status);
  // A report came after its step had closed.
  void LateReport(std::uint64_t losses);

  void GenerationOpened();
  void RankConnected(std::string_view run_id, const RunStatus& status);
  void RankDisconnected(std::string_view run_id, const RunStatus& status);
  void RunEnded(std::string_view run_id);

  // `barrier_wait`: from the step's first report to its last. `latency`: from the last report to
  // the decision. The losses that the observation left out are counted with it.
  void DecisionMade(std::string_view run_id, const v1::Decision& decision, const RunStatus& status,
                    absl::Duration barrier_wait, absl::Duration latency);
  void OutcomeReported(v1::CommandOutcome::Result result);

  void JournalCommitted(std::uint64_t records, absl::Duration duration);

  // `path`: a route such as "/api/v1/runs/{run_id}", never what a client sent.
  void HttpRequest(std::string_view path, int code);

  // Everything, with the process's own figures, in Prometheus' text format 0.0.4.
  std::string Serialize() const;

 private:
  struct Series;

  const std::unique_ptr<Series> series_;
};

}  // namespace lehr

#endif  // LEHR_SERVER_METRICS_H_

// The supervisor's side of one rank's stream, without gRPC: what each message of the rank leads to.
// Answers go to the outbox.
//
// One message at a time: not thread-safe, but for the outbox.
#ifndef LEHR_SERVER_RANK_STREAM_H_
#define LEHR_SERVER_RANK_STREAM_H_

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "lehr/v1/supervisor.pb.h"
#include "server/report_assembler.h"
#include "server/run_table.h"

namespace lehr {

class RankStream {
 public:
  // `runs` and `metrics` outlive it.
  RankStream(RunTable& runs, Metrics& metrics, std::shared_ptr<RankOutbox> outbox)
      : runs_(runs), metrics_(metrics), outbox_(std::move(outbox)) {}

  // A fault of protocol closes the outbox. False: it did, and nothing more is to be read.
  bool Take(const v1::SuperviseRequest& request, absl::Time now);
  // Nothing more comes from the rank: it has half-closed, or its stream is broken.
  void ReadingEnded();
  // The stream is gone.
  void Ended(absl::Time now);

 private:
  absl::Status Handle(const v1::SuperviseRequest& request, absl::Time now);
  absl::Status HandleJoin(const v1::Join& join, absl::Time now);
  void HandleReport(const v1::Report& piece, absl::Time now);

  RunTable& runs_;
  Metrics& metrics_;
  const std::shared_ptr<RankOutbox> outbox_;
  std::optional<RankSeat> seat_;
  std::optional<ReportAssembler> assembler_;
  bool left_ = false;
};

}  // namespace lehr

#endif  // LEHR_SERVER_RANK_STREAM_H_

// What the runs of a supervisor need of their durable store: numbered records that become durable
// in their order, and what a restart finds of them.
//
// Implemented by the journal (server/journal/journal.h), and by the tests' simulation, whose disk
// loses what was not durable. Implementations are thread-safe.
#ifndef LEHR_SERVER_JOURNAL_RUN_STORE_H_
#define LEHR_SERVER_JOURNAL_RUN_STORE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/journal/journal_records.h"

namespace lehr {

class RunStore {
 public:
  RunStore(const RunStore&) = delete;
  RunStore& operator=(const RunStore&) = delete;
  virtual ~RunStore() = default;

  // Of this process. Rises with every start.
  virtual uint64_t epoch() const = 0;
  // Makes it higher than this one, durably, before it returns. INVALID_ARGUMENT: there is none.
  virtual absl::Status RaiseEpochAbove(uint64_t epoch) = 0;
  // Whether the process before this one stopped cleanly. True for a new store.
  virtual bool clean_stop() const = 0;
  // What a restart needs.
  virtual absl::StatusOr<RecoveredState> Recover() = 0;

  // Each gives the record's number, and may wait while too many records wait. A run comes first,
  // before anything of it. What cannot be recorded (a run that was not appended, a rank of 65536 or
  // more) is a programming error, which ends the process.

  // Inserts or replaces.
  virtual uint64_t AppendRun(const journal::v1::RunRecord& run) = 0;
  virtual uint64_t AppendGeneration(const journal::v1::GenerationRecord& generation) = 0;
  // Without its durable_through, which is not part of the record. A second one for a (run,
  // generation, step) changes nothing if it is the same, and is a programming error if it is not.
  virtual uint64_t AppendDecision(const std::string& run_id, const v1::Decision& decision,
                                  std::string policy_state) = 0;
  // What a rank says of the command of a step; its last word counts.
  virtual uint64_t AppendOutcome(const std::string& run_id, uint64_t generation, int64_t step,
                                 uint32_t rank, v1::CommandOutcome::Result result) = 0;
  // Inserts or replaces. Of more than kMaxCheckpoints of a run, the oldest go.
  virtual uint64_t AppendCheckpoint(const std::string& run_id, uint64_t generation, uint32_t branch,
                                    int64_t step, std::string policy_state) = 0;
  virtual uint64_t SetActingStopped(bool stopped) = 0;

  // The number of the newest durable record. Numbers go on where the last process stopped.
  virtual uint64_t durable() const = 0;
  // Sees what is not durable yet. Unset: there is none.
  virtual absl::StatusOr<std::optional<RecordedDecision>> FindDecision(const std::string& run_id,
                                                                       uint64_t generation,
                                                                       int64_t step) = 0;

 protected:
  RunStore() = default;
};

}  // namespace lehr

#endif  // LEHR_SERVER_JOURNAL_RUN_STORE_H_

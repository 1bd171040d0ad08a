// The whole history of a run in bounded memory: curves, stretches of alike decisions, and what each
// generation came to. One pass, in the order of (generation, step).
//
//   RunDigest digest;
//   client.History(request, [&](const v1::HistoryEntry& entry) { return digest.Add(entry), true;
//   });
#ifndef LEHR_CLIENT_CLI_RUN_DIGEST_H_
#define LEHR_CLIENT_CLI_RUN_DIGEST_H_

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <vector>

#include "client/cli/downsample.h"
#include "lehr/v1/runs.pb.h"

namespace lehr {

// What a decision does to the training state, in the order in which it is shown.
enum class ActionMark { kPerturb, kIdentity, kRestore, kLearningRate, kSnapshot, kWithheld };
inline constexpr int kActionMarks = 6;

inline constexpr size_t kCurveBuckets = 300;

struct GenerationDigest {
  uint64_t generation = 0;
  int64_t first_step = 0;
  int64_t last_step = 0;
  int64_t first_unix_ns = 0;
  int64_t last_unix_ns = 0;
  uint64_t decisions = 0;
  // That command something.
  uint64_t commands = 0;
  // Of steps that have losses.
  double first_mean = std::numeric_limits<double>::quiet_NaN();
  double last_mean = std::numeric_limits<double>::quiet_NaN();
  CurvePoint least_mean = {.value = std::numeric_limits<double>::infinity()};

  Downsampler temperature{kCurveBuckets};
  Downsampler mean{kCurveBuckets};
  Downsampler root_mean_square{kCurveBuckets};
  Downsampler max{kCurveBuckets};
  Downsampler p10{kCurveBuckets};
  Downsampler p50{kCurveBuckets};
  Downsampler p90{kCurveBuckets};
  Downsampler imbalance{kCurveBuckets};
  Downsampler dead_examples{kCurveBuckets};
  Downsampler tied_share{kCurveBuckets};
  // By ActionMark, at the step before which the action is applied; perturbations with their stddev,
  // the others with 1. Without what the ranks skipped.
  std::vector<Downsampler> marks =
      std::vector<Downsampler>(kActionMarks, Downsampler(kCurveBuckets));
};

// Decisions in a row that say the same, but for their numbers. Those that only wait for a pass or a
// command to end are not counted.
struct DecisionStretch {
  int64_t first_step = 0;
  uint64_t decisions = 0;
  // The newest of them.
  v1::HistoryEntry last;
};

class RunDigest {
 public:
  void Add(const v1::HistoryEntry& entry);

  // The newest, in their order. Never empty once an entry was added.
  const std::deque<GenerationDigest>& generations() const { return generations_; }
  uint64_t generations_left_out() const { return generations_left_out_; }
  // The first and the newest ones; between them `stretches_left_out` are missing.
  const std::vector<DecisionStretch>& first_stretches() const { return first_stretches_; }
  const std::deque<DecisionStretch>& newest_stretches() const { return newest_stretches_; }
  uint64_t stretches_left_out() const { return stretches_left_out_; }
  uint64_t decisions() const { return decisions_; }

 private:
  void AddToGeneration(const v1::HistoryEntry& entry);
  void AddToStretches(const v1::HistoryEntry& entry);
  DecisionStretch* LastStretch();

  std::deque<GenerationDigest> generations_;
  uint64_t generations_left_out_ = 0;
  std::vector<DecisionStretch> first_stretches_;
  std::deque<DecisionStretch> newest_stretches_;
  uint64_t stretches_left_out_ = 0;
  uint64_t decisions_ = 0;
};

}  // namespace lehr

#endif  // LEHR_CLIENT_CLI_RUN_DIGEST_H_

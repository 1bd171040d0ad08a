// What a rank says of itself and its run when it begins; see client.h for their use.
#ifndef LEHR_CLIENT_CLIENT_OPTIONS_H_
#define LEHR_CLIENT_CLIENT_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/core/snapshots.h"
#include "client/tls/tls_files.h"
#include "lehr/v1/decision.pb.h"
#include "lehr/v1/supervisor.pb.h"

namespace lehr {

// The least and the greatest of the hashes that the ranks brought.
struct AgreeResult {
  uint64_t min = 0;
  uint64_t max = 0;
};

// A tensor's name, scale and form, for commands that need them.
struct TensorScale {
  std::string name;
  // The standard deviation of its initial values; 1/sqrt(fan_in) where it starts constant.
  // Unit: parameter units. Bound: finite, > 0.
  float reference_stddev = 0;
  // Rows and columns of a square weight matrix, row-major, between two layers of that width, whose
  // layer may be made to pass on what it gets. Bound: [2, 2^20]; 0: none.
  uint32_t side = 0;
};

struct ClientOptions {
  // HOST:PORT. Required.
  std::string supervisor;
  // With these, the connection is encrypted, both ends prove who they are, and the supervisor's
  // certificate must name HOST. Default: none of that.
  TlsFiles tls;
  // 1 to 128 characters of A-Z a-z 0-9 . _ -, the first a letter or digit. Required.
  std::string run_id;

  // This rank. Bound: [0, world_size).
  uint32_t rank = 0;
  // Ranks of the job. Bound: [1, 65536].
  uint32_t world_size = 1;
  // A nonce that all ranks of one start of the job share, and that another start does not have.
  // Bound: 128 bytes. Default: a random one, if world_size is 1; else required.
  std::string job_attempt;
  // The first step: 0 for a fresh start, else the one after the checkpoint that is resumed from.
  // Bound: [0, 2^62).
  int64_t resume_step = 0;
  // StepResult::generation as it was when that checkpoint was written, so that the policy goes on
  // as it was then; 0, which it was without a supervisor, for a policy that starts afresh. Bound:
  // [0, 2^62). Default: the newest generation with a checkpoint of that step.
  std::optional<uint64_t> resume_generation;
  // Raised by a job that rewinds and wants other noise than before.
  uint32_t branch = 0;
  // Ranks with an equal shard_id hold equal parameters.
  uint64_t shard_id = 0;

  // How the run is measured and decided; decision.proto describes each field. The rank that opens
  // the generation sets it. straggler_timeout, if unset, becomes three fifths of decision_timeout.
  v1::RunSettings settings;
  // Needed only for commands that are relative, all tensors then, and for those that make square
  // ones the identity. Bound: 65536.
  std::vector<TensorScale> tensors;
  // Shown with the run. Bound: 16 labels of 63 bytes each way.
  std::map<std::string, std::string> labels;

  // Greatest wait of the first step for the supervisor to be reached. Bound: (0, 1 h].
  absl::Duration connect_timeout = absl::Seconds(5);
  // Greatest wait of a step for its decision. After one time-out no step waits until the supervisor
  // is reached again. Keep supervisor < client: settings.straggler_timeout must be shorter.
  // Bound: (0, 1 h].
  absl::Duration decision_timeout = absl::Seconds(5);

  // The minimum and the maximum of `hash` over all ranks, by the trainer's own collective. Called
  // on the thread of Step, exactly once in each Step, connected or not; it may ride on an
  // all-reduce that the trainer does anyway. If the collective fails, return {0, 0}. Without it, a
  // job of more than one rank is observed only.
  std::function<AgreeResult(uint64_t hash)> agree;
  // The trainer agrees by itself: it calls Report, AwaitCommandHash and Apply in place of Step.
  bool can_agree = false;
  // After an applied command, and every settings.digest_every_steps, report a digest of the
  // parameters, so that drifted replicas are seen. Costs one pass over the parameters. Nothing is
  // computed for world_size 1.
  bool parameter_digest = true;

  // What the trainer lends for commands that go back to an earlier state. Default: nothing.
  SnapshotHooks snapshots;
  // From the next update on, the trainer multiplies its learning rate by `factor`, in (0, 1], in
  // place of the factor before it; it begins with 1, and snapshots do not hold it. Called on the
  // thread of Step. Must not fail: the other ranks do the same. A command scales the learning rate
  // only if every rank of the run lends this. Default: the trainer cannot.
  std::function<void(float factor)> scale_learning_rate;

  // Takes one line when something changes: joined, lost, refused. Called by any thread, not within
  // a call of `log`. Default: stderr.
  std::function<void(std::string_view line)> log;
};

// INVALID_ARGUMENT with the option's name and value if a bound above is broken, or a file of `tls`
// cannot be used. Other bounds of the settings are the supervisor's to check.
absl::Status CheckClientOptions(const ClientOptions& options);

// What every Join of this process says alike: all but the session's part. Draws the nonces.
v1::Join MakeJoin(const ClientOptions& options);

}  // namespace lehr

#endif  // LEHR_CLIENT_CLIENT_OPTIONS_H_

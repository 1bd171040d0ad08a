// The part of RunHost that tells of a run in short, and of its ranks.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/run_host.h"
#include "server/wire.h"

namespace lehr {
namespace {

v1::RunCondition ToProto(Condition condition) {
  switch (condition) {
    case Condition::kHealthy:
      return v1::RUN_CONDITION_HEALTHY;
    case Condition::kStalled:
      return v1::RUN_CONDITION_STALLED;
    case Condition::kPerturbed:
      return v1::RUN_CONDITION_PERTURBED;
    case Condition::kRecovering:
      return v1::RUN_CONDITION_RECOVERING;
  }
  return v1::RUN_CONDITION_UNSPECIFIED;
}

}  // namespace

void RunHost::ResumeCourse(absl::Span<const SeriesBucket> buckets) {
  absl::MutexLock lock(&mutex_);
  for (const SeriesBucket& bucket : buckets) {
    course_.Resume(bucket);
  }
}

v1::RunOverview RunHost::Overview() const {
  absl::MutexLock lock(&mutex_);
  v1::RunOverview overview;
  overview.set_run_id(run_id_);
  overview.set_state(State());
  DescribeCondition(overview);
  overview.set_generation(record_.generation());
  overview.set_world_size(record_.world_size());
  overview.set_connected(generation_->members().connected());
  overview.set_step(generation_->decided_through());
  const v1::Observation& observation = newest_.observation();
  overview.set_temperature(observation.temperature());
  overview.set_root_mean_square(observation.root_mean_square());
  overview.set_mean(observation.mean());
  overview.set_imbalance(observation.imbalance());
  overview.set_dead_examples(observation.dead_examples());
  if (observation.has_tied_share()) {
    overview.set_tied_share(observation.tied_share());
  }
  overview.set_commands(commands_);
  overview.set_applied(applied_);
  overview.set_skipped(skipped_);
  if (newest_.has_reason()) {
    *overview.mutable_reason() = newest_.reason();
  }
  course_.Describe(overview);
  *overview.mutable_opened() = ToTimestamp(opened_);
  *overview.mutable_last_seen() = ToTimestamp(last_seen_);
  overview.mutable_labels()->insert(labels_.begin(), labels_.end());
  overview.set_policy(PolicyName(generation_->spec().settings.policy));
  overview.set_breaker_open(generation_->memory().guards.breaker_open);
  overview.set_replicas_differ(replicas_differ_step_.has_value());
  return overview;
}

void RunHost::DescribeCondition(v1::RunOverview& overview) const {
  const RunCondition& condition = course_.condition();
  absl::Time since = last_seen_;
  int64_t step = generation_->decided_through();
  switch (overview.state()) {
    case v1::RUN_STATE_JOINING:
      overview.set_condition(v1::RUN_CONDITION_JOINING);
      since = absl::FromUnixNanos(record_.opened_unix_ns());
      break;
    case v1::RUN_STATE_SILENT:
      overview.set_condition(v1::RUN_CONDITION_SILENT);
      break;
    case v1::RUN_STATE_LEFT:
    case v1::RUN_STATE_ENDED:
      overview.set_condition(v1::RUN_CONDITION_ENDED);
      break;
    default:
      overview.set_condition(ToProto(condition.condition()));
      step = condition.since_step();
      since = std::max(condition.since(), absl::FromUnixNanos(record_.opened_unix_ns()));
  }
  overview.set_condition_step(step);
  *overview.mutable_condition_since() = ToTimestamp(since);
}

v1::ListRanksResponse RunHost::ListRanks(uint32_t from, uint32_t limit) const {
  absl::MutexLock lock(&mutex_);
  const Membership& members = generation_->members();
  const uint32_t end =
      std::min(members.world_size() - std::min(from, members.world_size()), limit) + from;
  int64_t farthest = -1;
  for (uint32_t rank = 0; rank < members.world_size(); ++rank) {
    farthest = std::max(farthest, members.rank(rank).highest_step);
  }
  v1::ListRanksResponse response;
  response.set_generation(record_.generation());
  for (uint32_t rank = from; rank < end; ++rank) {
    const Membership::Rank& member = members.rank(rank);
    v1::RankStatus& status = *response.add_ranks();
    status.set_rank(rank);
    status.set_joined(member.joined);
    status.set_connected(member.connected);
    status.set_left(member.left);
    status.set_silent(member.silent);
    status.set_step(member.highest_step);
    status.set_steps_behind(farthest - member.highest_step);
    if (rank_seen_[rank] > absl::InfinitePast()) {
      *status.mutable_last_seen() = ToTimestamp(rank_seen_[rank]);
    }
    status.set_behind_sidecar(streams_[rank] != nullptr && streams_[rank]->node() != nullptr);
  }
  if (end < members.world_size()) {
    response.set_next_page_token(absl::StrCat(end));
  }
  return response;
}

}  // namespace lehr

#include "server/run_course.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "server/stall_reason.h"

namespace lehr {
namespace {

// Of the parameters: to lower the learning rate is no answer to a stall.
bool WantsAChange(const google::protobuf::RepeatedPtrField<v1::Action>& actions) {
  return std::any_of(actions.begin(), actions.end(), [](const v1::Action& action) {
    return !action.has_snapshot() && !action.has_learning_rate();
  });
}

// The policy acts on a stall, or would if it were let: error_driven's word that the run is hot is
// not that.
bool SeesStall(const v1::Decision& decision) {
  return IsStall(decision.reason().code()) ||
         (absl::StrContains(decision.policy(), "reheat") && WantsAChange(decision.withheld()));
}

}  // namespace

void RunCourse::Add(const v1::Decision& decision) {
  Add(BucketOf(decision), decision.apply_step(), SeesStall(decision));
}

void RunCourse::Resume(const SeriesBucket& bucket) {
  Add(bucket, bucket.last_step + 1, /*stall_seen=*/false);
}

void RunCourse::Add(const SeriesBucket& bucket, int64_t apply_step, bool stall_seen) {
  const bool measured = bucket.measured > 0;
  const SeriesExtent& mean = bucket.quantities[SeriesBucket::kMean];
  const SeriesExtent& temperature = bucket.quantities[SeriesBucket::kTemperature];
  condition_.Add({.step = bucket.last_step,
                  .closed = absl::FromUnixNanos(bucket.closed_unix_ns),
                  .mean = measured ? std::optional(mean.last) : std::nullopt,
                  .temperature = temperature.last,
                  .acted = bucket.acted > 0,
                  .apply_step = apply_step,
                  .stall_seen = stall_seen});
  if (measured) {
    sparkline_.Add(bucket.last_step, {.temperature = static_cast<float>(temperature.max),
                                      .mean = static_cast<float>(mean.last),
                                      .acted = bucket.acted});
  }
  if (bucket.perturbations > 0 && bucket.last_step > noise_step_) {
    // Of several decisions the last need not have made noise.
    noise_stddev_ = bucket.decisions == 1 ? bucket.stddev.last : bucket.stddev.max;
    noise_step_ = bucket.last_step;
  }
}

void RunCourse::Describe(v1::RunOverview& overview) const {
  overview.set_noise_stddev(noise_stddev_);
  if (const auto step = condition_.last_acted_step()) {
    overview.set_last_acted_step(*step);
  }
  if (const auto loss = condition_.loss_before_act()) {
    overview.set_loss_before_act(*loss);
  }
  if (const auto loss = condition_.loss_now()) {
    overview.set_loss_now(*loss);
  }
  v1::Sparkline& sparkline = *overview.mutable_sparkline();
  for (const Sparkline::Bucket& bucket : sparkline_.Buckets()) {
    sparkline.add_temperature(bucket.temperature);
    sparkline.add_mean(bucket.mean);
    sparkline.add_acted(bucket.acted);
  }
  sparkline.set_first_step(sparkline_.first_step());
  sparkline.set_last_step(sparkline_.last_step());
  sparkline.set_bucket_steps(sparkline_.width());
}

}  // namespace lehr

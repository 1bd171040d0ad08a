#include "server/run_series.h"

#include <algorithm>
#include <array>

#include "server/stall_reason.h"

namespace lehr {
namespace {

// The rows of kGauges.
enum GaugeIndex {
  kConnectedRanks,
  kWorldSize,
  kBreakerOpen,
  kReplicasDiffer,
  kLastSeen,
  kGeneration,
  kStep,
  kNoiseStddev,
  kStalled,
  // Not a number until something was measured.
  kTemperature,
  kMagnitude,
  kRootMeanSquare,
  kImbalance,
  kMeanLoss,
  kMaxLoss,
  kP10Loss,
  kMedianLoss,
  kP90Loss,
  kDeadExamples,
  kTiedShare,
  kGaugeCount,
};
constexpr int kFirstMeasured = kTemperature;

struct GaugeText {
  const char* name;
  const char* help;
};

constexpr std::array<GaugeText, kGaugeCount> kGauges = {{
    {"lehr_run_connected_ranks", "Ranks of the run with a live stream."},
    {"lehr_run_world_size", "Ranks of the run's generation."},
    {"lehr_run_breaker_open", "1 if the breaker turned the run to observing, else 0."},
    {"lehr_run_replicas_differ",
     "1 if replicas held different parameters in this generation, else 0."},
    {"lehr_run_last_seen_timestamp_seconds",
     "When the newest decision was made or a rank came or went, since the Unix epoch."},
    {"lehr_run_generation", "The generation of the newest decision."},
    {"lehr_run_step", "The step of the newest decision."},
    {"lehr_run_noise_stddev",
     "Standard deviation of the noise that the newest decision commands, 0 for none."},
    {"lehr_run_stalled",
     "1 from a stall that reheat saw until the mean loss is 1 % below its least before, else 0."},
    {"lehr_run_temperature", "Newest temperature, in the unit of the loss."},
    {"lehr_run_magnitude", "L2 norm of the newest losses, in the unit of the loss."},
    {"lehr_run_root_mean_square",
     "Root mean square of the newest losses, in the unit of the loss."},
    {"lehr_run_imbalance", "Squared imbalance of the newest losses, from 0 to 1."},
    {"lehr_run_mean_loss", "Mean of the newest losses, in the unit of the loss."},
    {"lehr_run_max_loss", "Greatest of the newest losses, in the unit of the loss."},
    {"lehr_run_p10_loss",
     "Loss that 10 % of the newest losses do not exceed, to a sixteenth, in the unit of the loss."},
    {"lehr_run_median_loss",
     "Median of the newest losses, to a sixteenth, in the unit of the loss."},
    {"lehr_run_p90_loss",
     "Loss that 90 % of the newest losses do not exceed, to a sixteenth, in the unit of the loss."},
    {"lehr_run_dead_examples",
     "Scope dataset: examples whose loss is high and has not moved over their last visits."},
    {"lehr_run_tied_share",
     "Share of the newest step's loss that ties exactly, as that of dead data does, from 0 to 1; "
     "not "
     "a number where no report had 16 losses."},
}};

// What a stall must improve to be over.
constexpr double kImprovement = 0.99;

// The greatest where a decision perturbs several parts; 0 where it perturbs nothing.
double NoiseStddev(const v1::Decision& decision) {
  double stddev = 0;
  for (const v1::Action& action : decision.actions()) {
    if (action.has_perturb()) {
      stddev = std::max<double>(stddev, action.perturb().stddev());
    }
  }
  return stddev;
}

}  // namespace

RunSeries::RunSeries(prometheus::Registry& registry, int max_runs)
    : max_runs_(max_runs),
      commands_(prometheus::BuildCounter()
                    .Name("lehr_run_commands_total")
                    .Help("Decisions of the run that command something, over all generations.")
                    .Register(registry)) {
  for (const GaugeText& gauge : kGauges) {
    families_.push_back(
        &prometheus::BuildGauge().Name(gauge.name).Help(gauge.help).Register(registry));
  }
}

void RunSeries::RankConnected(std::string_view run_id, const RunStatus& status) {
  if (max_runs_ == 0) {
    return;
  }
  absl::MutexLock lock(&mutex_);
  auto place = places_.find(run_id);
  if (place == places_.end()) {
    place = Open(run_id);
  }
  turns_.splice(turns_.end(), turns_, place->second.turn);
  Show(place->second, status);
}

void RunSeries::StatusChanged(std::string_view run_id, const RunStatus& status) {
  absl::MutexLock lock(&mutex_);
  const auto place = places_.find(run_id);
  if (place != places_.end()) {
    Show(place->second, status);
  }
}

void RunSeries::DecisionMade(std::string_view run_id, const v1::Decision& decision,
                             const RunStatus& status) {
  absl::MutexLock lock(&mutex_);
  const auto found = places_.find(run_id);
  if (found == places_.end()) {
    return;
  }
  Place& place = found->second;
  Show(place, status);
  const std::vector<prometheus::Gauge*>& gauges = place.gauges;
  gauges[kGeneration]->Set(static_cast<double>(decision.generation()));
  gauges[kStep]->Set(static_cast<double>(decision.step()));
  gauges[kNoiseStddev]->Set(NoiseStddev(decision));
  ShowProgress(place, decision);
  const v1::Observation& observation = decision.observation();
  if (observation.count() == 0) {
    return;
  }
  gauges[kTemperature]->Set(observation.temperature());
  gauges[kMagnitude]->Set(observation.magnitude());
  gauges[kRootMeanSquare]->Set(observation.root_mean_square());
  gauges[kImbalance]->Set(observation.imbalance());
  gauges[kMeanLoss]->Set(observation.mean());
  gauges[kMaxLoss]->Set(observation.max());
  gauges[kP10Loss]->Set(observation.p10());
  gauges[kMedianLoss]->Set(observation.p50());
  gauges[kP90Loss]->Set(observation.p90());
  gauges[kDeadExamples]->Set(static_cast<double>(observation.dead_examples()));
  gauges[kTiedShare]->Set(observation.has_tied_share() ? observation.tied_share()
                                                       : std::numeric_limits<double>::quiet_NaN());
}

void RunSeries::Show(Place& place, const RunStatus& status) {
  place.gauges[kConnectedRanks]->Set(status.connected);
  place.gauges[kWorldSize]->Set(status.world_size);
  place.gauges[kBreakerOpen]->Set(status.breaker_open ? 1 : 0);
  place.gauges[kReplicasDiffer]->Set(status.replicas_differ ? 1 : 0);
  place.gauges[kLastSeen]->Set(absl::ToDoubleSeconds(status.last_seen - absl::UnixEpoch()));
  place.commands->Increment(static_cast<double>(status.commands) - place.commands->Value());
}

void RunSeries::ShowProgress(Place& place, const v1::Decision& decision) {
  if (place.generation != decision.generation()) {
    place.generation = decision.generation();
    place.least_mean = std::numeric_limits<double>::infinity();
    place.gauges[kStalled]->Set(0);
  }
  if (IsStall(decision.reason().code())) {
    place.gauges[kStalled]->Set(1);
  } else if (const v1::Observation& observation = decision.observation();
             observation.count() > 0 && observation.mean() < kImprovement * place.least_mean) {
    place.least_mean = observation.mean();
    place.gauges[kStalled]->Set(0);
  }
}

void RunSeries::RunEnded(std::string_view run_id) {
  absl::MutexLock lock(&mutex_);
  const auto place = places_.find(run_id);
  if (place != places_.end()) {
    Close(place);
  }
}

RunSeries::Places::iterator RunSeries::Open(std::string_view run_id) {
  if (places_.size() == max_runs_) {
    Close(places_.find(turns_.front()));
  }
  Place place;
  const prometheus::Labels labels = {{"run", std::string(run_id)}};
  for (prometheus::Family<prometheus::Gauge>* family : families_) {
    place.gauges.push_back(&family->Add(labels));
  }
  for (int i = kFirstMeasured; i < kGaugeCount; ++i) {
    place.gauges[i]->Set(std::numeric_limits<double>::quiet_NaN());
  }
  place.commands = &commands_.Add(labels);
  place.turn = turns_.insert(turns_.end(), std::string(run_id));
  return places_.emplace(run_id, std::move(place)).first;
}

void RunSeries::Close(Places::iterator place) {
  for (std::size_t i = 0; i < families_.size(); ++i) {
    families_[i]->Remove(place->second.gauges[i]);
  }
  commands_.Remove(place->second.commands);
  turns_.erase(place->second.turn);
  places_.erase(place);
}

}  // namespace lehr

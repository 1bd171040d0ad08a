#include "server/run_series.h"

#include <array>

namespace lehr {
namespace {

// The rows of kGauges.
enum GaugeIndex {
  kConnectedRanks,
  kGeneration,
  kStep,
  kTemperature,
  kMagnitude,
  kRootMeanSquare,
  kImbalance,
  kMeanLoss,
  kMaxLoss,
  kDeadExamples,
  kNoiseStddev,
  kGaugeCount,
};

struct GaugeText {
  const char* name;
  const char* help;
};

constexpr std::array<GaugeText, kGaugeCount> kGauges = {{
    {"lehr_run_connected_ranks", "Ranks of the run with a live stream."},
    {"lehr_run_generation", "The generation of the newest decision."},
    {"lehr_run_step", "The step of the newest decision."},
    {"lehr_run_temperature", "Temperature of the newest decision, in the unit of the loss."},
    {"lehr_run_magnitude", "L2 norm of the step's losses, in the unit of the loss."},
    {"lehr_run_root_mean_square",
     "Root mean square of the step's losses, in the unit of the loss."},
    {"lehr_run_imbalance", "Squared imbalance of the step's losses, from 0 to 1."},
    {"lehr_run_mean_loss", "Mean of the step's losses, in the unit of the loss."},
    {"lehr_run_max_loss", "Greatest of the step's losses, in the unit of the loss."},
    {"lehr_run_dead_examples",
     "Scope dataset: examples whose loss is high and has not moved over their last visits."},
    {"lehr_run_noise_stddev",
     "Standard deviation of the noise that the newest decision commands, 0 for none."},
}};

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

RunSeries::RunSeries(prometheus::Registry& registry, int max_runs) : max_runs_(max_runs) {
  for (const GaugeText& gauge : kGauges) {
    families_.push_back(
        &prometheus::BuildGauge().Name(gauge.name).Help(gauge.help).Register(registry));
  }
}

void RunSeries::RankConnected(std::string_view run_id, std::uint32_t connected) {
  if (max_runs_ == 0) {
    return;
  }
  absl::MutexLock lock(&mutex_);
  auto place = places_.find(run_id);
  if (place == places_.end()) {
    place = Open(run_id);
  }
  turns_.splice(turns_.end(), turns_, place->second.turn);
  place->second.gauges[kConnectedRanks]->Set(connected);
}

void RunSeries::RankDisconnected(std::string_view run_id, std::uint32_t connected) {
  absl::MutexLock lock(&mutex_);
  const auto place = places_.find(run_id);
  if (place != places_.end()) {
    place->second.gauges[kConnectedRanks]->Set(connected);
  }
}

void RunSeries::DecisionMade(std::string_view run_id, const v1::Decision& decision) {
  absl::MutexLock lock(&mutex_);
  const auto place = places_.find(run_id);
  if (place == places_.end()) {
    return;
  }
  const std::vector<prometheus::Gauge*>& gauges = place->second.gauges;
  const v1::Observation& observation = decision.observation();
  gauges[kGeneration]->Set(static_cast<double>(decision.generation()));
  gauges[kStep]->Set(static_cast<double>(decision.step()));
  gauges[kTemperature]->Set(observation.temperature());
  gauges[kMagnitude]->Set(observation.magnitude());
  gauges[kRootMeanSquare]->Set(observation.root_mean_square());
  gauges[kImbalance]->Set(observation.imbalance());
  gauges[kMeanLoss]->Set(observation.mean());
  gauges[kMaxLoss]->Set(observation.max());
  gauges[kDeadExamples]->Set(static_cast<double>(observation.dead_examples()));
  gauges[kNoiseStddev]->Set(NoiseStddev(decision));
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
  for (prometheus::Family<prometheus::Gauge>* family : families_) {
    place.gauges.push_back(&family->Add({{"run", std::string(run_id)}}));
  }
  place.turn = turns_.insert(turns_.end(), std::string(run_id));
  return places_.emplace(run_id, std::move(place)).first;
}

void RunSeries::Close(Places::iterator place) {
  for (std::size_t i = 0; i < families_.size(); ++i) {
    families_[i]->Remove(place->second.gauges[i]);
  }
  turns_.erase(place->second.turn);
  places_.erase(place);
}

}  // namespace lehr

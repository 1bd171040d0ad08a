#include "tests/simulation/training_job.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/core/noise.h"
#include "tests/simulation/supervisor_process.h"

namespace lehr::simulation {
namespace {

// A few losses, most of them alike, now and then a bad one.
std::vector<float> DrawLosses(Random& random) {
  std::vector<float> losses(static_cast<size_t>(random.Between(0, 4)));
  for (float& loss : losses) {
    loss = static_cast<float>(random.Unit());
    if (random.Chance(0.02)) {
      loss = random.Chance(0.5) ? std::numeric_limits<float>::quiet_NaN() : -1;
    }
  }
  return losses;
}

v1::Join MakeJoin(const TrainingJob::Options& options, const std::string& attempt, uint32_t rank) {
  v1::Join join;
  join.set_run_id(kRunId);
  join.set_rank(rank);
  join.set_world_size(options.world_size);
  join.set_job_attempt(attempt);
  join.set_process(absl::StrCat(attempt, "-", rank));
  join.set_resume_step(options.from ? options.from->key.second + 1 : 0);
  if (options.from) {
    join.set_resume_generation(options.from->key.first);
  }
  join.set_branch(options.branch);
  join.set_can_agree(options.scenario.can_agree);
  join.add_noise_specs(std::string(kNoiseSpec));
  join.set_scales_learning_rate(true);
  v1::TensorReference& weight = *join.add_tensors();
  weight.set_name("weight");
  weight.set_reference_stddev(1);
  weight.set_side(2);
  *join.mutable_settings() = options.scenario.settings;
  join.mutable_settings()->set_quorum(
      std::min(options.world_size, options.scenario.settings.quorum()));
  return join;
}

}  // namespace

TrainingJob::TrainingJob(Options options)
    : options_(std::move(options)),
      attempt_(absl::StrCat("job-", options_.number)),
      stalls_(options_.world_size),
      step_(options_.from ? options_.from->key.second + 1 : 0) {
  options_.checker.JobStarts(attempt_,
                             options_.from ? options_.from->applied : std::vector<int64_t>(),
                             options_.from ? std::optional(options_.from->key) : std::nullopt);
  for (uint32_t rank = 0; rank < options_.world_size; ++rank) {
    const v1::Join join = MakeJoin(options_, attempt_, rank);
    const uint32_t process = 100 * options_.number + rank;
    options_.checker.ProcessStarts(process, join);
    ranks_.push_back(std::make_unique<RankProcess>(
        RankProcess::Options{.scenario = options_.scenario,
                             .queue = options_.queue,
                             .random = options_.random,
                             .checker = options_.checker,
                             .number = process,
                             .join = join,
                             .link = {.latency = options_.scenario.network_latency},
                             .connect = options_.connect},
        options_.from ? options_.from->parameters : Parameters()));
  }
  BeginStep();
}

void TrainingJob::BeginStep() {
  hashes_.assign(ranks_.size(), 0);
  arrived_ = 0;
  for (size_t rank = 0; rank < ranks_.size(); ++rank) {
    const absl::Duration computes =
        options_.random.Between(options_.scenario.step_time / 2, options_.scenario.step_time) +
        std::exchange(stalls_[rank], absl::ZeroDuration());
    if (!calm_ && options_.random.Chance(options_.scenario.pause_chance)) {
      const absl::Duration pause = options_.random.Between(absl::Seconds(1), absl::Seconds(6));
      ranks_[rank]->Pause(pause);
      stalls_[rank] = absl::ZeroDuration();
      options_.queue.After(computes + pause * options_.random.Unit(),
                           [this, rank] { Report(rank); });
      continue;
    }
    options_.queue.After(computes, [this, rank] { Report(rank); });
  }
}

void TrainingJob::Report(size_t rank) {
  if (dead_) {
    return;
  }
  ranks_[rank]->Train(step_);
  ranks_[rank]->Report(step_, DrawLosses(options_.random),
                       [this, rank](uint64_t hash) { Arrive(rank, hash); });
}

// The all-reduce: it ends when all ranks have come.
void TrainingJob::Arrive(size_t rank, uint64_t hash) {
  hashes_[rank] = hash;
  if (++arrived_ == ranks_.size()) {
    options_.queue.After(absl::Milliseconds(1), [this] {
      if (!dead_) {
        EndStep();
      }
    });
  }
}

void TrainingJob::EndStep() {
  AgreeResult agreed;
  if (options_.scenario.can_agree || ranks_.size() == 1) {
    const auto [least, greatest] = std::minmax_element(hashes_.begin(), hashes_.end());
    agreed = {.min = *least, .max = *greatest};
  }
  std::vector<bool> applied;
  for (const std::unique_ptr<RankProcess>& rank : ranks_) {
    applied.push_back(rank->Apply(step_, agreed));
  }
  applied_ += applied[0];
  options_.checker.JobAgreed(attempt_, step_, ranks_, applied);
  if (step_ % options_.scenario.checkpoint_every == 0) {
    for (const std::unique_ptr<RankProcess>& rank : ranks_) {
      rank->Checkpointed(step_);
    }
    options_.checkpointed({.key = {ranks_[0]->session().generation(), step_},
                           .parameters = ranks_[0]->parameters(),
                           .applied = options_.checker.AppliedBy(attempt_)});
  }
  if (!calm_ && options_.random.Chance(options_.scenario.leave_chance)) {
    Leave();
    return;
  }
  ++step_;
  BeginStep();
}

void TrainingJob::Leave() {
  for (const std::unique_ptr<RankProcess>& rank : ranks_) {
    options_.queue.After(options_.random.Between(absl::ZeroDuration(), absl::Seconds(1)),
                         [this, raw = rank.get()] {
                           if (!dead_) {
                             raw->Leave();
                           }
                         });
  }
  options_.queue.After(absl::Seconds(2) + options_.scenario.decision_timeout, [this] {
    if (!dead_) {
      Kill(/*with_its_machine=*/false);
      options_.left();
    }
  });
}

bool TrainingJob::refused() const {
  return std::any_of(ranks_.begin(), ranks_.end(), [](const std::unique_ptr<RankProcess>& rank) {
    return rank->session().state() == Session::State::kClosed;
  });
}

void TrainingJob::Kill(bool with_its_machine) {
  dead_ = true;
  for (const std::unique_ptr<RankProcess>& rank : ranks_) {
    rank->Die(with_its_machine);
  }
}

}  // namespace lehr::simulation

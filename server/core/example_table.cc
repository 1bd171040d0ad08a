#include "server/core/example_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "server/core/split_mix.h"
#include "server/core/temperature.h"

namespace lehr {
namespace {

// How many losses ahead memory is asked for.
constexpr size_t kPrefetchAhead = 12;

bool IsUsable(float loss) { return std::isfinite(loss) && loss >= 0; }

// One loss an example: the greatest.
void DropRepeated(std::vector<ExampleLoss>& examples) {
  std::sort(examples.begin(), examples.end(), [](const ExampleLoss& a, const ExampleLoss& b) {
    return a.example_id != b.example_id ? a.example_id < b.example_id : a.loss > b.loss;
  });
  const auto end = std::unique(
      examples.begin(), examples.end(),
      [](const ExampleLoss& a, const ExampleLoss& b) { return a.example_id == b.example_id; });
  examples.erase(end, examples.end());
}

}  // namespace

ExcludedLosses ExampleTable::Update(absl::Span<const ExampleLoss> step) {
  const double high = statistics_.count() == 0 ? std::numeric_limits<double>::infinity()
                                               : kDeadFactor * MeanLoss(statistics_);
  std::vector<float> unusable;
  std::vector<ExampleLoss> newcomers;
  std::vector<uint32_t> touched;
  Change change;
  for (size_t i = 0; i < step.size(); ++i) {
    Prefetch(step, i);
    const uint64_t hash = SplitMix(step[i].example_id);
    if (!IsUsable(step[i].loss)) {
      unusable.push_back(step[i].loss);
      continue;
    }
    if (!hashes_.empty() && hash > hashes_.front()) {
      continue;  // Not in the sample, for good.
    }
    // abs: -0 is 0.
    const float loss = std::abs(step[i].loss);
    if (const uint32_t position = ids_.Find(hash); position != ExampleIds::kNone) {
      Touch(position, loss, touched, change);
    } else {
      newcomers.push_back({.example_id = step[i].example_id, .loss = loss});
    }
  }
  for (const uint32_t position : touched) {
    Example& example = examples_[position];
    const bool was_dead = IsDead(example);
    example.touched = false;
    change.in.push_back(example.loss);
    Judge(example, high);
    Publish(position, ids_[position], was_dead);
  }
  Admit(std::move(newcomers), high, change);
  statistics_.Remove(change.out);
  statistics_.Add(change.in);
  LossStatistics left_out;
  left_out.Add(unusable);
  return left_out.excluded();
}

std::vector<ExampleLoss> ExampleTable::Highest() const {
  return by_loss_.Highest([this](uint32_t position) { return At(position); });
}

std::vector<ExampleLoss> ExampleTable::HighestDead() const {
  return dead_by_loss_.Highest([this](uint32_t position) { return DeadAt(position); });
}

// Counts the visit that brought the example's loss.
void ExampleTable::Judge(Example& example, double high) {
  const double movement = std::abs(double{example.loss} - double{example.anchor});
  if (!(example.loss > high)) {
    example.visits = 0;
  } else if (example.visits == 0 || movement > kDeadMovement * example.anchor) {
    example.visits = 1;
    example.anchor = example.loss;
  } else if (example.visits < kDeadVisits) {
    ++example.visits;
  }
}

// A big table lies outside of the caches: without this, most of the time goes by in waiting.
void ExampleTable::Prefetch(absl::Span<const ExampleLoss> step, size_t next) const {
  if (next + 2 * kPrefetchAhead < step.size()) {
    ids_.PrefetchSlot(SplitMix(step[next + 2 * kPrefetchAhead].example_id));
  }
  if (next + kPrefetchAhead < step.size()) {
    const uint32_t position = ids_.PrefetchId(SplitMix(step[next + kPrefetchAhead].example_id));
    __builtin_prefetch(examples_.data() + position);
    by_loss_.Prefetch(position);
  }
}

void ExampleTable::Touch(uint32_t position, float loss, std::vector<uint32_t>& touched,
                         Change& change) {
  Example& example = examples_[position];
  if (example.touched) {
    example.loss = std::max(example.loss, loss);
    return;
  }
  touched.push_back(position);
  change.out.push_back(example.loss);
  example.touched = true;
  example.loss = loss;
}

void ExampleTable::Admit(std::vector<ExampleLoss> newcomers, double high, Change& change) {
  DropRepeated(newcomers);
  for (const ExampleLoss& newcomer : newcomers) {
    if (ids_.size() < capacity_) {
      Add(newcomer, high);
      change.in.push_back(newcomer.loss);
      continue;
    }
    if (hashes_.empty()) {
      for (uint32_t position = 0; position < ids_.size(); ++position) {
        hashes_.push_back(SplitMix(ids_[position]));
      }
      std::make_heap(hashes_.begin(), hashes_.end());
    }
    if (SplitMix(newcomer.example_id) < hashes_.front()) {
      ReplaceLast(newcomer, high, change);
      change.in.push_back(newcomer.loss);
    }
  }
}

void ExampleTable::Add(const ExampleLoss& newcomer, double high) {
  const uint32_t position = ids_.size();
  ids_.Add(newcomer.example_id);
  examples_.push_back({.loss = newcomer.loss});
  Judge(examples_.back(), high);
  Publish(position, newcomer.example_id, /*was_dead=*/false);
}

// In the place of the example with the greatest hash.
void ExampleTable::ReplaceLast(const ExampleLoss& newcomer, double high, Change& change) {
  const uint32_t position = ids_.Find(hashes_.front());
  const uint64_t id_before = ids_[position];
  Example& example = examples_[position];
  const bool was_dead = IsDead(example);
  change.out.push_back(example.loss);
  ids_.Replace(position, newcomer.example_id);
  std::pop_heap(hashes_.begin(), hashes_.end());
  hashes_.back() = SplitMix(newcomer.example_id);
  std::push_heap(hashes_.begin(), hashes_.end());
  example = {.loss = newcomer.loss};
  Judge(example, high);
  Publish(position, id_before, was_dead);
}

void ExampleTable::Publish(uint32_t position, uint64_t id_before, bool was_dead) {
  const bool is_dead = IsDead(examples_[position]);
  dead_ += is_dead;
  dead_ -= was_dead;
  by_loss_.Update(position, id_before, [this](uint32_t p) { return At(p); });
  if (was_dead || is_dead) {
    dead_by_loss_.Update(position, id_before, [this](uint32_t p) { return DeadAt(p); });
  }
}

ExampleLoss ExampleTable::At(uint32_t position) const {
  return {.example_id = ids_[position], .loss = examples_[position].loss};
}

ExampleLoss ExampleTable::DeadAt(uint32_t position) const {
  return {.example_id = ids_[position],
          .loss = IsDead(examples_[position]) ? examples_[position].loss : -1};
}

}  // namespace lehr

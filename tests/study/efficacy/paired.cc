#include "tests/study/efficacy/paired.h"

#include <cstddef>
#include <map>

#include "tests/study/efficacy/comparison.h"

namespace lehr {
namespace {

constexpr double kLevel = 0.001;

PeerComparison Compare(const Row& ours, const Row& peer) {
  std::map<uint64_t, const TrialResult*> by_seed;
  for (const TrialResult& trial : peer.trials) {
    by_seed[trial.seed] = &trial;
  }
  PeerComparison comparison = {.peer = &peer};
  for (const TrialResult& trial : ours.trials) {
    const auto other = by_seed.find(trial.seed);
    if (other == by_seed.end()) {
      continue;
    }
    const TrialResult& theirs = *other->second;
    if (trial.ends_there && theirs.ends_there) {
      comparison.ours_faster += trial.reached_step < theirs.reached_step ? 1 : 0;
      comparison.peer_faster += theirs.reached_step < trial.reached_step ? 1 : 0;
    } else {
      comparison.ours_only += trial.ends_there ? 1 : 0;
      comparison.peer_only += theirs.ends_there ? 1 : 0;
    }
  }
  return comparison;
}

}  // namespace

std::vector<PeerComparison> CompareWithPeers(const std::vector<Row>& rows) {
  std::vector<PeerComparison> all;
  std::vector<double> p_values;
  for (const Row& row : rows) {
    const Row* ours = Find(rows, row.task->name, "reheat");
    if (ours == nullptr || row.task->healthy || PolicyOf(row) == "reheat" ||
        PolicyOf(row) == "reheat-bare") {
      continue;
    }
    all.push_back(Compare(*ours, row));
    p_values.push_back(ExactSignTest(all.back().ours(), all.back().peers()));
  }
  const std::vector<double> adjusted = HolmAdjusted(p_values);
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].p = adjusted[i];
  }
  return all;
}

bool PeerIsBetter(const PeerComparison& comparison) {
  return comparison.peers() > comparison.ours() && comparison.p < kLevel;
}

}  // namespace lehr

// The highest of many losses that change one at a time.
//
// A tree over positions 0, 1, ...: each node knows the best example of the 16 nodes below it. A
// change costs constant time where it touches no best one, at most 16 comparisons a level
// otherwise; Highest() at most 16 comparisons for each level and each example that it returns.
// About 1.1 bytes a position. Highest first, equal losses by lowest id, so that what it returns
// does not depend on positions. Not thread-safe.
//
// The examples themselves live with the caller, which lends `at`: position -> ExampleLoss. A
// negative loss takes no part. Ids differ between positions.
#ifndef LEHR_SERVER_CORE_TOURNAMENT_H_
#define LEHR_SERVER_CORE_TOURNAMENT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/core/top_losses.h"

namespace lehr {

class Tournament {
 public:
  static constexpr size_t kMost = TopLosses::kDefaultCapacity;

  // The example at `position`, which is new or changed, had `id_before`. Positions that were never
  // updated take no part.
  template <typename At>
  void Update(uint32_t position, uint64_t id_before, const At& at);

  // Makes an Update that comes a little later faster.
  void Prefetch(uint32_t position) const {
    if (!levels_.empty()) {
      __builtin_prefetch(levels_[0].data() + position / kFanOut);
    }
  }

  // At most kMost.
  template <typename At>
  std::vector<ExampleLoss> Highest(const At& at) const;

 private:
  static constexpr size_t kFanOut = 16;
  static constexpr ExampleLoss kNobody = {.example_id = 0, .loss = -1};

  // levels_[0] stands above the examples, the last level is one node.
  template <typename At>
  ExampleLoss Child(size_t level, size_t index, const At& at) const {
    return level == 0 ? at(static_cast<uint32_t>(index)) : levels_[level - 1][index];
  }
  size_t Children(size_t level) const { return level == 0 ? size_ : levels_[level - 1].size(); }

  template <typename At>
  ExampleLoss BestBelow(size_t level, size_t node, const At& at) const;
  void MakeRoomFor(uint32_t position);

  size_t size_ = 0;
  std::vector<std::vector<ExampleLoss>> levels_;
};

template <typename At>
void Tournament::Update(uint32_t position, uint64_t id_before, const At& at) {
  MakeRoomFor(position);
  ExampleLoss now = at(position);
  size_t node = position;
  for (size_t level = 0; level < levels_.size(); ++level) {
    node /= kFanOut;
    ExampleLoss& best = levels_[level][node];
    const ExampleLoss before = best;
    if (before.loss >= 0 && before.example_id == id_before) {
      best = BestBelow(level, node, at);
    } else if (ComesBefore(now, before)) {
      best = now;
    }
    if (best == before) {
      return;
    }
    now = best;
    id_before = before.example_id;
  }
}

template <typename At>
std::vector<ExampleLoss> Tournament::Highest(const At& at) const {
  struct Contender {
    ExampleLoss best;
    size_t level;  // It stands below this level; 0: an example.
    size_t index;
  };
  std::vector<Contender> contenders;
  const auto offer = [&](const Contender& contender) {
    if (contender.best.loss < 0 ||
        (contenders.size() == kMost && !ComesBefore(contender.best, contenders.back().best))) {
      return;
    }
    if (contenders.size() == kMost) {
      contenders.pop_back();
    }
    contenders.insert(std::upper_bound(contenders.begin(), contenders.end(), contender,
                                       [](const Contender& a, const Contender& b) {
                                         return ComesBefore(a.best, b.best);
                                       }),
                      contender);
  };
  if (!levels_.empty()) {
    offer({levels_.back()[0], levels_.size(), 0});
  }
  // The contenders stand for different examples. So one that is left out has kMost better ones.
  for (size_t next = 0; next < contenders.size();) {
    const Contender group = contenders[next];
    if (group.level == 0) {
      ++next;
      continue;
    }
    contenders.erase(contenders.begin() + static_cast<std::ptrdiff_t>(next));
    const size_t below = group.level - 1;
    const size_t end = std::min((group.index + 1) * kFanOut, Children(below));
    for (size_t child = group.index * kFanOut; child < end; ++child) {
      offer({Child(below, child, at), below, child});
    }
  }
  std::vector<ExampleLoss> highest;
  for (const Contender& contender : contenders) {
    highest.push_back(contender.best);
  }
  return highest;
}

template <typename At>
ExampleLoss Tournament::BestBelow(size_t level, size_t node, const At& at) const {
  ExampleLoss best = kNobody;
  const size_t end = std::min((node + 1) * kFanOut, Children(level));
  for (size_t child = node * kFanOut; child < end; ++child) {
    const ExampleLoss contender = Child(level, child, at);
    best = ComesBefore(contender, best) ? contender : best;
  }
  return best;
}

inline void Tournament::MakeRoomFor(uint32_t position) {
  if (position < size_) {
    return;
  }
  size_ = position + 1;
  size_t nodes = size_;
  for (size_t level = 0; nodes > 1 || level == 0; ++level) {
    nodes = (nodes + kFanOut - 1) / kFanOut;
    if (level == levels_.size()) {
      levels_.push_back({level == 0 ? kNobody : levels_.back()[0]});
    }
    levels_[level].resize(nodes, kNobody);
  }
}

}  // namespace lehr

#endif  // LEHR_SERVER_CORE_TOURNAMENT_H_

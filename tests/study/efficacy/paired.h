// reheat against each peer, seed by seed.
#ifndef LEHR_TESTS_STUDY_EFFICACY_PAIRED_H_
#define LEHR_TESTS_STUDY_EFFICACY_PAIRED_H_

#include <cstdint>
#include <vector>

#include "tests/study/efficacy/rows.h"

namespace lehr {

struct PeerComparison {
  const Row* peer;
  // Seeds of which one of the two alone is at its goal at the end.
  int64_t ours_only = 0;
  int64_t peer_only = 0;
  // Where both are: which got there first.
  int64_t ours_faster = 0;
  int64_t peer_faster = 0;
  // That of both together: a seed is for the one that is there at the end, and if both are, for the
  // one that was there first. After Holm's correction over all comparisons.
  double p = 1;

  int64_t ours() const { return ours_only + ours_faster; }
  int64_t peers() const { return peer_only + peer_faster; }
};

// All peers on all tasks that have a goal, as one family. Without reheat-bare, which is no peer. (A
// peer that frees few runs may be the faster one on these, as it leaves them alone: one test of
// success and one of speed would call it better.)
std::vector<PeerComparison> CompareWithPeers(const std::vector<Row>& rows);

// Whether the peer is better at the level of the study, p < 0.001.
bool PeerIsBetter(const PeerComparison& comparison);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_PAIRED_H_

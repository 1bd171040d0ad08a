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
  // Of the two, after Holm's correction over all comparisons.
  double p_success = 1;
  double p_speed = 1;
};

// All peers on all tasks that have a goal, as one family of two tests each. Without reheat-bare,
// which is no peer.
std::vector<PeerComparison> CompareWithPeers(const std::vector<Row>& rows);

// Whether the peer is better at the level of the study, p < 0.001.
bool PeerIsBetter(const PeerComparison& comparison);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_PAIRED_H_

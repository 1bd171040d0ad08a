// A peer: recycle the dormant units.
#ifndef LEHR_TESTS_STUDY_EFFICACY_REDO_H_
#define LEHR_TESTS_STUDY_EFFICACY_REDO_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "tests/study/efficacy/treatment.h"

namespace lehr {

// ReDo (Sokar et al., 2023). After every `period` updates, each hidden unit that is dormant in the
// batch at hand gets incoming weights and a bias as the task's initializer draws them, and outgoing
// weights of 0; Adam's moments of these weights become 0, its count of steps goes on, as in the
// authors' code. period > 0, threshold >= 0.
std::unique_ptr<Treatment> MakeRedo(const Patient& patient, int64_t period, double threshold);

// The units of a layer whose score is at most the threshold: its mean activation over the batch, by
// the mean of that over the layer. In a layer without any activation all are dormant.
// `activations`: [rows, units], of ReLUs.
std::vector<int64_t> DormantUnits(absl::Span<const float> activations, int64_t units,
                                  double threshold);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_REDO_H_

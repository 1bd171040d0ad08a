// A policy of the supervisor as a treatment.
#ifndef LEHR_TESTS_STUDY_EFFICACY_SUPERVISED_H_
#define LEHR_TESTS_STUDY_EFFICACY_SUPERVISED_H_

#include <cstdint>
#include <memory>

#include "server/core/policy.h"
#include "tests/study/efficacy/treatment.h"

namespace lehr {

// Runs the policy's own rules, through the pure functions that lehrd calls. Observes the whole data
// set or each step's losses; the run can hold `snapshot_capacity` snapshots.
std::unique_ptr<Treatment> MakeSupervised(const Patient& patient, const Policy& policy,
                                          bool whole_dataset, uint32_t snapshot_capacity);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_SUPERVISED_H_

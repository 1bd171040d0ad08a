// A peer: shrink and perturb on a stall.
#ifndef LEHR_TESTS_STUDY_EFFICACY_SHRINK_PERTURB_H_
#define LEHR_TESTS_STUDY_EFFICACY_SHRINK_PERTURB_H_

#include <cstdint>
#include <memory>

#include "tests/study/efficacy/treatment.h"

namespace lehr {

// theta <- shrink theta + scale theta_new on a stall (see stall_watch.h), theta_new freshly
// initialized (Ash and Adams, 2020, who do it when training has settled and new data comes).
std::unique_ptr<Treatment> MakeShrinkPerturb(const Patient& patient, int64_t window, double shrink,
                                             double scale);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_SHRINK_PERTURB_H_

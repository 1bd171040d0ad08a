// A peer: begin anew on a stall.
#ifndef LEHR_TESTS_STUDY_EFFICACY_RESTART_H_
#define LEHR_TESTS_STUDY_EFFICACY_RESTART_H_

#include <cstdint>
#include <memory>

#include "tests/study/efficacy/treatment.h"

namespace lehr {

// Draws new initial values on a stall (see stall_watch.h), as the task's own initializer does.
std::unique_ptr<Treatment> MakeRestart(const Patient& patient, int64_t window);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_RESTART_H_

// A peer: noise on every gradient.
#ifndef LEHR_TESTS_STUDY_EFFICACY_GRADIENT_NOISE_H_
#define LEHR_TESTS_STUDY_EFFICACY_GRADIENT_NOISE_H_

#include <memory>

#include "tests/study/efficacy/treatment.h"

namespace lehr {

// Gradient noise N(0, eta / (1 + t)^0.55) at every step (Neelakantan et al., 2015).
std::unique_ptr<Treatment> MakeGradientNoise(const Patient& patient, double eta);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_GRADIENT_NOISE_H_

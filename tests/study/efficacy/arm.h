// A treatment by its name and settings.
#ifndef LEHR_TESTS_STUDY_EFFICACY_ARM_H_
#define LEHR_TESTS_STUDY_EFFICACY_ARM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/study/efficacy/treatment.h"

namespace lehr {

// A treatment with the value of its one or two settings, e.g. "literal" at 0.1.
struct Arm {
  std::string name;
  // As in the table.
  std::string title;
  std::vector<double> settings;
};

// NOT_FOUND for a name that is none.
absl::StatusOr<std::unique_ptr<Treatment>> MakeTreatment(const Arm& arm, const Patient& patient);

}  // namespace lehr

#endif  // LEHR_TESTS_STUDY_EFFICACY_ARM_H_

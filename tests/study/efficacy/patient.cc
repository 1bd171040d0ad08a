#include "tests/study/efficacy/patient.h"

#include <cstddef>

namespace lehr {

void ResetOptimizer(Patient& patient) {
  for (size_t i = 0; i < patient.model.tensors().size(); ++i) {
    patient.optimizer.Reset(i);
  }
}

}  // namespace lehr

// Losses that no 16-bit format has, as TiedLosses wants them.
#ifndef LEHR_TESTS_SERVER_CORE_FINE_LOSSES_H_
#define LEHR_TESTS_SERVER_CORE_FINE_LOSSES_H_

#include <vector>

namespace lehr {

// Times 1 + 2^-13, which keeps shares as they are. Exact for integers below 1024.
inline std::vector<float> Fine(std::vector<float> losses) {
  for (float& loss : losses) {
    loss *= 1 + 0x1p-13f;
  }
  return losses;
}

}  // namespace lehr

#endif  // LEHR_TESTS_SERVER_CORE_FINE_LOSSES_H_

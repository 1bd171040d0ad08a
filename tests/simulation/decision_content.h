// What of a decision must not change, however often it is sent or recorded.
#ifndef LEHR_TESTS_SIMULATION_DECISION_CONTENT_H_
#define LEHR_TESTS_SIMULATION_DECISION_CONTENT_H_

#include <string>

#include "lehr/v1/decision.pb.h"

namespace lehr::simulation {

inline std::string Actions(const v1::Decision& decision) {
  std::string bytes;
  for (const v1::Action& action : decision.actions()) {
    bytes += action.SerializeAsString();
  }
  return bytes;
}

// All that must be the same whenever it is sent.
inline std::string Content(v1::Decision decision) {
  decision.clear_epoch();
  decision.clear_durable_through();
  return decision.SerializeAsString();
}

}  // namespace lehr::simulation

#endif  // LEHR_TESTS_SIMULATION_DECISION_CONTENT_H_
